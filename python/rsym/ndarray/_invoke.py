"""The one call behind every operator function of `rsym.ndarray`."""

from .. import _rsym
from ..context import current_context


def invoke(op, inputs, params, out, kwargs):
    """Runs the operator `op` at once. One array, or a list of them where there are several outputs."""
    context = current_context()
    device = (context.device_typeid, context.device_id)
    kwargs.pop("name", None)
    targets = None if out is None else list(out) if isinstance(out, (list, tuple)) else [out]
    results = _rsym.invoke(op, inputs, params, kwargs, targets, device)
    if out is not None:
        return out
    return results[0] if len(results) == 1 else results
