"""Schedules of learning rates: functions from the number of updates to the rate."""

import logging
import math

__all__ = ["LRScheduler", "FactorScheduler", "MultiFactorScheduler", "PolyScheduler", "CosineScheduler"]

_WARMUPS = ("linear", "constant")


class LRScheduler:
    """What all schedules share: the rate to start with, and warming up to it.

    Parameters
    ----------
    base_lr : float, default 0.01
        The rate after warming up. An optimizer with a `learning_rate` of its own sets it.
    warmup_steps : int, default 0
        Updates before the schedule proper begins.
    warmup_begin_lr : float, default 0
        The rate of the first update, if there is a warm-up.
    warmup_mode : {'linear', 'constant'}, default 'linear'
        Whether the rate rises in equal steps or stays at `warmup_begin_lr` while warming up.

    Raises
    ------
    ValueError
        If the warm-up begins above `base_lr`, has a negative length or is of another mode.
    """

    def __init__(self, base_lr=0.01, warmup_steps=0, warmup_begin_lr=0, warmup_mode="linear"):
        assert isinstance(warmup_steps, int), "warmup_steps must be an int, got %r" % (warmup_steps,)
        if warmup_begin_lr > base_lr:
            raise ValueError("warmup_begin_lr (%g) must not be above base_lr (%g)" % (warmup_begin_lr, base_lr))
        if warmup_steps < 0:
            raise ValueError("warmup_steps must not be negative, got %d" % warmup_steps)
        if warmup_mode not in _WARMUPS:
            raise ValueError("warmup_mode must be one of %s, got %r" % (_WARMUPS, warmup_mode))
        self.base_lr = base_lr
        self.warmup_steps = warmup_steps
        self.warmup_begin_lr = warmup_begin_lr
        self.warmup_final_lr = base_lr
        self.warmup_mode = warmup_mode

    def get_warmup_lr(self, num_update):
        """The rate of update number `num_update`, which is one of the warm-up."""
        assert num_update < self.warmup_steps
        if self.warmup_mode == "constant":
            return self.warmup_begin_lr
        share = float(num_update) / self.warmup_steps
        return self.warmup_begin_lr + (self.warmup_final_lr - self.warmup_begin_lr) * share

    def __call__(self, num_update):
        """The rate.

        Parameters
        ----------
        num_update : int
            The largest number of updates that any weight has had.

        Returns
        -------
        float
        """
        if num_update < self.warmup_steps:
            return self.get_warmup_lr(num_update)
        return self._decayed(num_update)

    def _decayed(self, num_update):
        raise NotImplementedError("a schedule must override __call__")


def _check_factor(factor):
    if factor > 1.0:
        raise ValueError("factor must be at most 1, so that the rate falls; got %g" % factor)


class FactorScheduler(LRScheduler):
    """Multiplies the rate by a factor after every `step` updates.

    Parameters
    ----------
    step : int
    factor : float, default 1
    stop_factor_lr : float, default 1e-8
        The rate does not fall below.
    base_lr, warmup_steps, warmup_begin_lr, warmup_mode
        As in `LRScheduler`.

    Raises
    ------
    ValueError
        For a step below 1 or a factor above 1.

    Examples
    --------
    >>> import rsym as mx
    >>> schedule = mx.lr_scheduler.FactorScheduler(step=10, factor=0.5, base_lr=1.0)
    >>> [schedule(n) for n in (1, 10, 11, 21)]
    [1.0, 1.0, 0.5, 0.25]
    """

    def __init__(
        self, step, factor=1, stop_factor_lr=1e-8, base_lr=0.01, warmup_steps=0, warmup_begin_lr=0, warmup_mode="linear"
    ):
        super().__init__(base_lr, warmup_steps, warmup_begin_lr, warmup_mode)
        if step < 1:
            raise ValueError("step must be at least 1, got %r" % (step,))
        _check_factor(factor)
        self.step = step
        self.factor = factor
        self.stop_factor_lr = stop_factor_lr
        self.count = 0

    def _decayed(self, num_update):
        while num_update > self.count + self.step:
            self.count += self.step
            self.base_lr *= self.factor
            if self.base_lr < self.stop_factor_lr:
                self.base_lr = self.stop_factor_lr
                logging.info("Update[%d]: the learning rate stays at %0.5e from now on", num_update, self.base_lr)
            else:
                logging.info("Update[%d]: the learning rate is now %0.5e", num_update, self.base_lr)
        return self.base_lr


class MultiFactorScheduler(LRScheduler):
    """Multiplies the rate by a factor after given numbers of updates.

    Parameters
    ----------
    step : list of int
        Increasing.
    factor : float, default 1
    base_lr, warmup_steps, warmup_begin_lr, warmup_mode
        As in `LRScheduler`.

    Raises
    ------
    ValueError
        For steps that do not increase or are below 1, or a factor above 1.

    Examples
    --------
    >>> import rsym as mx
    >>> schedule = mx.lr_scheduler.MultiFactorScheduler(step=[10, 15], factor=0.5, base_lr=1.0)
    >>> [schedule(n) for n in (10, 11, 16)]
    [1.0, 0.5, 0.25]
    """

    def __init__(self, step, factor=1, base_lr=0.01, warmup_steps=0, warmup_begin_lr=0, warmup_mode="linear"):
        super().__init__(base_lr, warmup_steps, warmup_begin_lr, warmup_mode)
        assert isinstance(step, list) and step, "step must be a list of at least one number, got %r" % (step,)
        if any(after <= before for before, after in zip(step, step[1:])):
            raise ValueError("step must increase, got %r" % (step,))
        if step[0] < 1:
            raise ValueError("steps must be at least 1, got %r" % (step,))
        _check_factor(factor)
        self.step = step
        self.cur_step_ind = 0
        self.factor = factor
        self.count = 0

    def _decayed(self, num_update):
        while self.cur_step_ind < len(self.step) and num_update > self.step[self.cur_step_ind]:
            self.count = self.step[self.cur_step_ind]
            self.cur_step_ind += 1
            self.base_lr *= self.factor
            logging.info("Update[%d]: the learning rate is now %0.5e", num_update, self.base_lr)
        return self.base_lr


class _UntilScheduler(LRScheduler):
    """A schedule that falls from `base_lr` to `final_lr` up to update `max_update` and stays there."""

    def __init__(self, max_update, base_lr, final_lr, warmup_steps, warmup_begin_lr, warmup_mode):
        super().__init__(base_lr, warmup_steps, warmup_begin_lr, warmup_mode)
        assert isinstance(max_update, int), "max_update must be an int, got %r" % (max_update,)
        if max_update < 1:
            raise ValueError("max_update must be at least 1, got %d" % max_update)
        self.base_lr_orig = base_lr
        self.max_update = max_update
        self.final_lr = final_lr
        self.max_steps = max_update - warmup_steps

    def _decayed(self, num_update):
        if num_update <= self.max_update:
            passed = float(num_update - self.warmup_steps) / self.max_steps
            self.base_lr = self.final_lr + (self.base_lr_orig - self.final_lr) * self._left(passed)
        return self.base_lr

    def _left(self, passed):
        """The share of the fall that is left when the share `passed` of the updates is over."""
        raise NotImplementedError


class PolyScheduler(_UntilScheduler):
    """Lets the rate fall as a polynomial: ``final_lr + (base_lr - final_lr) (1 - n / max_update)^pwr``.

    Parameters
    ----------
    max_update : int
        The update after which the rate stays at `final_lr`.
    base_lr : float, default 0.01
    pwr : int, default 2
    final_lr : float, default 0
    warmup_steps, warmup_begin_lr, warmup_mode
        As in `LRScheduler`; the updates of the warm-up count.

    Raises
    ------
    ValueError
        For `max_update` below 1.

    Examples
    --------
    >>> import rsym as mx
    >>> schedule = mx.lr_scheduler.PolyScheduler(max_update=4, base_lr=1.0)
    >>> [schedule(n) for n in (0, 2, 4, 9)]
    [1.0, 0.25, 0.0, 0.0]
    """

    def __init__(self, max_update, base_lr=0.01, pwr=2, final_lr=0, warmup_steps=0, warmup_begin_lr=0, warmup_mode="linear"):
        super().__init__(max_update, base_lr, final_lr, warmup_steps, warmup_begin_lr, warmup_mode)
        self.power = pwr

    def _left(self, passed):
        return pow(1 - passed, self.power)


class CosineScheduler(_UntilScheduler):
    """Lets the rate fall as half a wave: ``final_lr + (base_lr - final_lr) (1 + cos(pi n / max_update)) / 2``.

    Parameters
    ----------
    max_update : int
        The update after which the rate stays at `final_lr`.
    base_lr : float, default 0.01
    final_lr : float, default 0
    warmup_steps, warmup_begin_lr, warmup_mode
        As in `LRScheduler`; the updates of the warm-up count.

    Raises
    ------
    ValueError
        For `max_update` below 1.

    Examples
    --------
    >>> import rsym as mx
    >>> schedule = mx.lr_scheduler.CosineScheduler(max_update=4, base_lr=1.0)
    >>> [round(schedule(n), 6) for n in (0, 2, 4, 9)]
    [1.0, 0.5, 0.0, 0.0]
    """

    def __init__(self, max_update, base_lr=0.01, final_lr=0, warmup_steps=0, warmup_begin_lr=0, warmup_mode="linear"):
        super().__init__(max_update, base_lr, final_lr, warmup_steps, warmup_begin_lr, warmup_mode)

    def _left(self, passed):
        return (1 + math.cos(math.pi * passed)) / 2
