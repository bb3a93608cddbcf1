"""Optimizers that adapt the rate of every element."""

import math

from ._base import OneOperator, register, zeros_like

__all__ = ["Adam", "Adamax", "Nadam", "AdaGrad", "AdaDelta", "RMSProp", "Ftrl", "FTML"]


@register
class Adam(OneOperator):
    """Adaptive moments.

    ::

        grad = clip(rescale_grad * grad + wd * weight)
        mean = beta1 * mean + (1 - beta1) * grad
        var = beta2 * var + (1 - beta2) * grad^2
        weight = weight - lr * sqrt(1 - beta2^t) / (1 - beta1^t) * mean / (sqrt(var) + epsilon)

    Parameters
    ----------
    learning_rate : float, default 0.001
    beta1, beta2 : float, default 0.9 and 0.999
    epsilon : float, default 1e-8
    lazy_update : bool, default True
        Ignored: it is for sparse gradients.
    **kwargs
        As in `Optimizer`.

    References
    ----------
    Kingma and Ba, Adam: A Method for Stochastic Optimization (2014).
    """

    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, lazy_update=True, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.lazy_update = lazy_update

    def create_state(self, index, weight):
        """Mean and mean square."""
        return (zeros_like(weight), zeros_like(weight))

    def _operator(self, state):
        return "adam_update", dict(self._scaling(), beta1=self.beta1, beta2=self.beta2, epsilon=self.epsilon)

    def _rates(self, indices):
        counts = [self._index_update_count[index] for index in indices]
        corrections = [math.sqrt(1.0 - self.beta2**t) / (1.0 - self.beta1**t) for t in counts]
        return {"lr": [lr * c for lr, c in zip(self._get_lrs(indices), corrections)], "wd": self._get_wds(indices)}


@register
class Adamax(OneOperator):
    """The form of `Adam` with the largest gradient in place of the mean square.

    ::

        grad = clip(rescale_grad * grad + wd * weight)
        mean = beta1 * mean + (1 - beta1) * grad
        largest = max(beta2 * largest, |grad|)
        weight = weight - lr / (1 - beta1^t) * mean / largest

    Parameters
    ----------
    learning_rate : float, default 0.002
    beta1, beta2 : float, default 0.9 and 0.999
    **kwargs
        As in `Optimizer`.

    References
    ----------
    Kingma and Ba, Adam: A Method for Stochastic Optimization (2014), section 7.
    """

    def __init__(self, learning_rate=0.002, beta1=0.9, beta2=0.999, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.beta1 = beta1
        self.beta2 = beta2

    def create_state(self, index, weight):
        """Mean and largest gradient."""
        return (zeros_like(weight), zeros_like(weight))

    def _operator(self, state):
        return "_adamax_update", dict(self._scaling(), beta1=self.beta1, beta2=self.beta2)

    def _rates(self, indices):
        counts = [self._index_update_count[index] for index in indices]
        rates = [lr / (1.0 - self.beta1**t) for lr, t in zip(self._get_lrs(indices), counts)]
        return {"lr": rates, "wd": self._get_wds(indices)}


@register
class Nadam(OneOperator):
    """`Adam` with Nesterov's momentum.

    Parameters
    ----------
    learning_rate : float, default 0.001
    beta1, beta2 : float, default 0.9 and 0.999
    epsilon : float, default 1e-8
    schedule_decay : float, default 0.004
        How fast the momentum warms up: ``beta1 * (1 - 0.96^(t * schedule_decay) / 2)`` at update t. The product of these,
        which corrects the bias, is one for all weights, as in MXNet.
    **kwargs
        As in `Optimizer`.

    References
    ----------
    Dozat, Incorporating Nesterov Momentum into Adam (2015).
    """

    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, schedule_decay=0.004, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.schedule_decay = schedule_decay
        self.m_schedule = 1.0

    def create_state(self, index, weight):
        """Mean and mean square."""
        return (zeros_like(weight), zeros_like(weight))

    def _momentum(self, t):
        return self.beta1 * (1.0 - 0.5 * pow(0.96, t * self.schedule_decay))

    def _operator(self, state):
        params = dict(beta1=self.beta1, beta2=self.beta2, epsilon=self.epsilon)
        return "_nadam_update", dict(self._scaling(), **params)

    def _rates(self, indices):
        rates = {**super()._rates(indices), "mean_part": [], "grad_part": [], "correction": []}
        for t in (self._index_update_count[index] for index in indices):
            now, soon = self._momentum(t), self._momentum(t + 1)
            self.m_schedule *= now
            rates["mean_part"].append(soon / (1.0 - self.m_schedule * soon))
            rates["grad_part"].append((1.0 - now) / (1.0 - self.m_schedule))
            rates["correction"].append(1.0 - pow(self.beta2, t))
        return rates


@register
class AdaGrad(OneOperator):
    """Steps divided by the root of the sum of all squared gradients.

    ::

        grad = clip(rescale_grad * grad)
        history = history + grad^2
        weight = weight - lr * (grad / sqrt(history + eps) + wd * weight)

    Parameters
    ----------
    eps : float, default 1e-7
    **kwargs
        As in `Optimizer`.

    References
    ----------
    Duchi, Hazan and Singer, Adaptive Subgradient Methods for Online Learning and Stochastic Optimization (2011).
    """

    def __init__(self, eps=1e-7, **kwargs):
        super().__init__(**kwargs)
        self.float_stable_eps = eps

    def create_state(self, index, weight):
        """The sum of squares."""
        return zeros_like(weight)

    def _operator(self, state):
        return "_adagrad_update", dict(self._scaling(), epsilon=self.float_stable_eps)


@register
class AdaDelta(OneOperator):
    """Steps of the size of earlier steps, without a learning rate.

    ::

        grad = clip(rescale_grad * grad)
        squares = rho * squares + (1 - rho) * grad^2
        delta = sqrt(steps + epsilon) / sqrt(squares + epsilon) * grad
        steps = rho * steps + (1 - rho) * delta^2
        weight = weight - delta - wd * weight

    Parameters
    ----------
    rho : float, default 0.9
    epsilon : float, default 1e-5
    **kwargs
        As in `Optimizer`.

    References
    ----------
    Zeiler, ADADELTA: An Adaptive Learning Rate Method (2012).
    """

    def __init__(self, rho=0.90, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.rho = rho
        self.epsilon = epsilon

    def create_state(self, index, weight):
        """The mean squares of gradients and of steps."""
        return (zeros_like(weight), zeros_like(weight))

    def _operator(self, state):
        return "_adadelta_update", dict(self._scaling(), rho=self.rho, epsilon=self.epsilon)

    def _rates(self, indices):
        return {"wd": self._get_wds(indices)}


@register
class RMSProp(OneOperator):
    """Steps divided by the root of a running mean square of gradients.

    Parameters
    ----------
    learning_rate : float, default 0.001
    gamma1 : float, default 0.9
        Share of the old mean square.
    gamma2 : float, default 0.9
        Momentum, with `centered`.
    epsilon : float, default 1e-8
    centered : bool, default False
        The form of Graves (``rmspropalex_update``) instead of that of Tieleman and Hinton (``rmsprop_update``).
    clip_weights : float, optional
        Bound of the weights.
    **kwargs
        As in `Optimizer`.

    References
    ----------
    Tieleman and Hinton, Lecture 6.5 of Neural Networks for Machine Learning (2012);
    Graves, Generating Sequences With Recurrent Neural Networks (2013).
    """

    def __init__(self, learning_rate=0.001, gamma1=0.9, gamma2=0.9, epsilon=1e-8, centered=False, clip_weights=None, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.gamma1 = gamma1
        self.gamma2 = gamma2
        self.centered = centered
        self.epsilon = epsilon
        self.clip_weights = clip_weights

    def create_state(self, index, weight):
        """The mean square; with `centered` also the mean and the last step."""
        return tuple(zeros_like(weight) for _ in range(3 if self.centered else 1))

    def _operator(self, state):
        params = dict(self._scaling(), gamma1=self.gamma1, epsilon=self.epsilon)
        if self.clip_weights:
            params["clip_weights"] = self.clip_weights
        if self.centered:
            return "rmspropalex_update", dict(params, gamma2=self.gamma2)
        return "rmsprop_update", params


@register
class Ftrl(OneOperator):
    """Follows the regularised leader, which makes sparse weights; see ``ftrl_update``.

    Parameters
    ----------
    lamda1 : float, default 0.01
        Factor of the absolute penalty.
    learning_rate : float, default 0.1
    beta : float, default 1
    **kwargs
        As in `Optimizer`; `wd` is the factor of the square penalty.

    References
    ----------
    McMahan et al., Ad Click Prediction: a View from the Trenches (2013).
    """

    def __init__(self, lamda1=0.01, learning_rate=0.1, beta=1, **kwargs):
        super().__init__(**kwargs)
        self.lr = learning_rate
        self.lamda1 = lamda1
        self.beta = beta

    def create_state(self, index, weight):
        """The adjusted sum of gradients and the sum of their squares."""
        return (zeros_like(weight), zeros_like(weight))

    def _operator(self, state):
        return "ftrl_update", dict(self._scaling(), lamda1=self.lamda1, beta=self.beta)


@register
class FTML(OneOperator):
    """Follows the moving leader; see ``ftml_update``.

    Parameters
    ----------
    beta1, beta2 : float, default 0.6 and 0.999
    epsilon : float, default 1e-8
    **kwargs
        As in `Optimizer`.

    References
    ----------
    Zheng and Kwok, Follow the Moving Leader in Deep Learning (2017).
    """

    def __init__(self, beta1=0.6, beta2=0.999, epsilon=1e-8, **kwargs):
        super().__init__(**kwargs)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon

    def create_state(self, index, weight):
        """Curvature, mean square and leader."""
        return tuple(zeros_like(weight) for _ in range(3))

    def _operator(self, state):
        params = dict(beta1=self.beta1, beta2=self.beta2, epsilon=self.epsilon, rescale_grad=self.rescale_grad)
        if self.clip_gradient:
            params["clip_grad"] = self.clip_gradient
        return "ftml_update", params

    def _rates(self, indices):
        return {**super()._rates(indices), "t": [self._index_update_count[index] for index in indices]}
