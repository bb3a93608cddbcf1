"""Operators as methods: `x.reshape(shape=(2, 3))` is `reshape(x, shape=(2, 3))`."""

METHODS = (
    "abs arccos arccosh arcsin arcsinh arctan arctanh argmax argmax_channel argmin argsort broadcast_axes broadcast_like "
    "broadcast_to cbrt ceil clip cos cosh degrees depth_to_space diag exp expand_dims expm1 fix flatten flip floor log log10 "
    "log1p log2 log_softmax max mean min nanprod nansum norm one_hot ones_like pad pick prod radians rcbrt reciprocal relu "
    "repeat reshape reshape_like rint round rsqrt shape_array sigmoid sign sin sinh size_array slice slice_axis slice_like "
    "softmax softmin sort space_to_depth split split_v2 sqrt square squeeze sum swapaxes take tan tanh tile topk transpose "
    "trunc zeros_like"
).split()


def add_methods(cls, functions, skip=()):
    """Adds a method for each of `METHODS` to `cls`, but those in `skip`; `functions()` is the module of the functions."""
    for name in METHODS:
        if name not in skip:
            setattr(cls, name, _method(cls, name, functions))


def _method(cls, name, functions):
    def method(self, *args, **kwargs):
        function = getattr(functions(), name, None)
        if function is None:
            raise AttributeError("rsym has no operator '%s' yet" % name)
        return function(self, *args, **kwargs)

    method.__name__ = name
    method.__qualname__ = "%s.%s" % (cls.__name__, name)
    method.__doc__ = "The operator `%s` applied to this %s; takes the operator's other arguments." % (name, cls.__name__)
    return method
