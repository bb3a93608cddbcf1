"""One symbol in several data types, contexts or spellings must give one result."""

import traceback
import warnings

import numpy as np

from .. import ndarray as nd
from ._compare import assert_almost_equal
from ._tolerance import default_context, get_tols

__all__ = ["check_consistency"]


def check_consistency(
    sym,
    ctx_list,
    scale=1.0,
    grad_req="write",
    arg_params=None,
    aux_params=None,
    rtol=None,
    atol=None,
    raise_on_err=True,
    ground_truth=None,
    equal_nan=False,
    use_uniform=False,
    rand_type=np.float64,
    tol=None,
):
    """Check that executors agree in outputs and gradients.

    The one with the widest type of its first output is the reference.

    Parameters
    ----------
    sym : Symbol or list of Symbol
        One for all of `ctx_list`, or one for each; they must have the same arguments and outputs.
    ctx_list : list of dict
        What `simple_bind` takes: ``ctx``, the shapes by name, ``type_dict``, ``group2ctx``. At least two.
    scale : float, default 1.0
        Standard deviation (uniform: 0.92 of it is the limit) of the random arguments.
    grad_req : str, list or dict of str, default 'write'
        ``'null'`` checks the outputs alone.
    arg_params, aux_params : dict of str to array_like, optional
        Arguments and auxiliary states; the rest is random, and 0.
    rtol, atol : float or dict of numpy.dtype to float, optional
        As for `assert_almost_equal`.
    raise_on_err : bool, default True
        False warns instead of raising.
    ground_truth : dict of str to array_like, optional
        The reference, by name of output and argument.
    equal_nan : bool, default False
        Whether NaN equals NaN.
    use_uniform : bool, default False
        Random arguments from a uniform instead of a normal distribution.
    rand_type : dtype, default float64
        The type of random arguments before they are written into the executors.
    tol : float or dict of numpy.dtype to float, optional
        `rtol` and `atol` in one, as MXNet 0.9 spelled it.

    Returns
    -------
    dict of str to NDArray
        The reference: outputs by name and, unless `grad_req` is ``'null'``, gradients by argument.

    Raises
    ------
    AssertionError
        That names executor and array.

    Examples
    --------
    >>> import rsym as mx
    >>> net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=3, name="fc")
    >>> runs = [{"ctx": mx.cpu(), "data": (2, 4), "type_dict": {"data": t}} for t in (np.float64, np.float32)]
    >>> sorted(check_consistency(net, runs))
    ['data', 'fc_bias', 'fc_output', 'fc_weight']
    """
    executors = _bound(sym, ctx_list, grad_req)
    _fill(executors, _arguments(executors[0], arg_params, scale, use_uniform, rand_type), aux_params or {})
    rtol, atol = (rtol, atol) if tol is None else (tol, tol)
    reference = int(np.argmax([np.dtype(executor.outputs[0].dtype).itemsize for executor in executors]))
    check = _Check(executors, reference, rtol, atol, equal_nan, raise_on_err)
    for executor in executors:
        executor.forward(is_train=False)
    truth = check.against(ground_truth, "predict", _outputs)
    if grad_req == "null":
        return truth
    _train(executors, [ctx.get("ctx") for ctx in ctx_list])
    return check.against(ground_truth, "train", lambda executor: {**_outputs(executor), **executor.grad_dict})


def _bound(sym, ctx_list, grad_req):
    if len(ctx_list) < 2:
        raise AssertionError("check_consistency compares at least two entries of ctx_list, not %d" % len(ctx_list))
    symbols = list(sym) if isinstance(sym, (list, tuple)) else [sym] * len(ctx_list)
    if len(symbols) != len(ctx_list):
        raise AssertionError("%d symbols for %d contexts" % (len(symbols), len(ctx_list)))
    for one in symbols[1:]:
        _assert_same_names(symbols[0], one)
    return [one.simple_bind(grad_req=grad_req, **ctx) for one, ctx in zip(symbols, ctx_list)]


def _assert_same_names(one, other):
    for kind in ("list_arguments", "list_outputs"):
        a, b = getattr(one, kind)(), getattr(other, kind)()
        if a != b:
            raise AssertionError("%s() of the symbols differ: %s and %s" % (kind, a, b))


def _arguments(executor, given, scale, use_uniform, rand_type):
    values = dict(given or {})
    for name, array in sorted(executor.arg_dict.items()):
        if name not in values:
            draw = (
                np.random.uniform(-0.92 * scale, 0.92 * scale, array.shape)
                if use_uniform
                else (np.random.normal(scale=scale, size=array.shape))
            )
            values[name] = draw.astype(rand_type)
    return values


def _fill(executors, arguments, aux):
    for executor in executors:
        for name, array in executor.arg_dict.items():
            array[:] = arguments[name]
        for name, array in executor.aux_dict.items():
            array[:] = aux.get(name, 0)
        for array in executor.grad_arrays:
            if array is not None:
                array[:] = 0


def _outputs(executor):
    return dict(executor.output_dict)


def _train(executors, contexts):
    """Forward and backward, all with the first one's outputs, as coarse as the coarsest type, for head gradients."""
    for executor in executors:
        executor.forward(is_train=True)
    heads = []
    for i, output in enumerate(executors[0].outputs):
        coarsest = min((np.dtype(e.outputs[i].dtype) for e in executors), key=lambda dtype: dtype.itemsize)
        heads.append(output.asnumpy().astype(coarsest))
    for executor, ctx in zip(executors, contexts):
        ctx = ctx or default_context()
        executor.backward([nd.array(h, ctx=ctx, dtype=o.dtype) for h, o in zip(heads, executor.outputs)])


class _Check:
    """Holds the arrays of all executors against those of the reference."""

    def __init__(self, executors, reference, rtol, atol, equal_nan, raise_on_err):
        self._executors, self._reference = executors, reference
        self._rtol, self._atol, self._equal_nan, self._raise = rtol, atol, equal_nan, raise_on_err
        self._dtypes = [np.dtype(executor.outputs[0].dtype) for executor in executors]

    def against(self, truth, phase, arrays):
        """Compare what `arrays` gives for each executor; the reference is given back."""
        truth = arrays(self._executors[self._reference]) if truth is None else truth
        for i, executor in enumerate(self._executors):
            if i != self._reference:
                for name, array in arrays(executor).items():
                    self._compare(i, phase, name, array, truth[name])
        return truth

    def _compare(self, i, phase, name, array, want):
        if want is None or array is None:
            if want is not array:
                raise AssertionError("executor %d: only one of the gradients of %s is there" % (i, name))
            return
        try:
            rtol, atol = self._tolerances(i, array, want)
            assert_almost_equal(array, want, rtol, atol, ("run%d" % i, "run%d" % self._reference), self._equal_nan)
        except AssertionError as error:
            message = "%s of %s: %s" % (phase, name, error)
            if self._raise:
                raise AssertionError(message) from error
            warnings.warn(message + "\n" + traceback.format_exc(), stacklevel=5)

    def _tolerances(self, i, array, want):
        """An executor that works in float16 has float16's tolerance for its float32 arrays too."""
        pair = [
            np.empty(0, min(np.dtype(x.dtype), dtype, key=lambda d: d.itemsize))
            for x, dtype in ((array, self._dtypes[i]), (want, self._dtypes[self._reference]))
        ]
        return get_tols(*pair, self._rtol, self._atol)
