"""What `Executor.memory_plan` gives."""

import dataclasses

from .context import Context

__all__ = ["MemoryDevice", "MemoryPlan", "MemoryValue"]

_SHOWN = 10


@dataclasses.dataclass(frozen=True)
class MemoryValue:
    """An intermediate value.

    Attributes
    ----------
    name : str
        Name of the output.
    op : str
        The operator that computes it.
    bytes, offset : int
        Its size, and where it starts among the planned bytes.
    first_step, last_step : int
        Numbers of the operators that compute it and read it last, over forward and backward.
    recomputed : bool
        Whether the backward pass computes this value again.
    context : Context or None
        The device that computes it, where there are several.
    """

    name: str
    op: str
    bytes: int
    offset: int
    first_step: int
    last_step: int
    recomputed: bool
    context: Context | None = None


@dataclasses.dataclass(frozen=True)
class MemoryDevice:
    """What one of several devices has.

    Attributes
    ----------
    context : Context
    planned : int
        Bytes for intermediate values; all devices together have `MemoryPlan.planned`.
    steps : int
        Number of operators, over forward and backward, with copies.
    copies, copied : int
        Number of values that are copied from other devices, and their bytes.
    """

    context: Context
    planned: int
    steps: int
    copies: int
    copied: int


@dataclasses.dataclass(frozen=True)
class MemoryPlan:
    """Where the bytes of an executor go.

    Attributes
    ----------
    planned, unshared : int
        Bytes for intermediate values, over forward and backward; and if each had memory of its own.
    inplace : int
        Number of values that took over the memory of an input.
    planned_without_recomputing, recomputed : int
        What would be planned if nothing were computed again; number of operators that are.
    arguments, gradients, auxiliary_states, outputs, output_gradients, constants : int
        Bytes of arrays.
    packed_weights : int
        Bytes of weights that operators keep in a form of their own from run to run, by the size of the weights.
    forward_steps, steps, together : int
        Number of operators in the forward pass, and in both; how many are small and run beside others on several threads.
    devices : list of MemoryDevice
        What each device has, if there are several.
    values : list of MemoryValue
        The intermediate values, the largest first.
    """

    planned: int = 0
    unshared: int = 0
    inplace: int = 0
    planned_without_recomputing: int = 0
    recomputed: int = 0
    arguments: int = 0
    gradients: int = 0
    auxiliary_states: int = 0
    outputs: int = 0
    output_gradients: int = 0
    constants: int = 0
    packed_weights: int = 0
    forward_steps: int = 0
    steps: int = 0
    together: int = 0
    devices: list = dataclasses.field(default_factory=list, repr=False)
    values: list = dataclasses.field(default_factory=list, repr=False)

    @property
    def total(self):
        """All bytes."""
        arrays = self.arguments + self.gradients + self.auxiliary_states + self.outputs + self.output_gradients
        return self.planned + arrays + self.constants + self.packed_weights

    @property
    def saved(self):
        """Bytes that computing values again saves."""
        return self.planned_without_recomputing - self.planned

    def __str__(self):
        names = (
            "planned",
            "arguments",
            "gradients",
            "auxiliary_states",
            "outputs",
            "output_gradients",
            "constants",
            "packed_weights",
        )
        lines = ["Memory in bytes"] + [
            "  %-18s%14d" % (name.replace("_", " "), getattr(self, name)) for name in names + ("total",)
        ]
        if self.recomputed:
            text = "Recomputed %d operators in the backward pass: %d bytes instead of %d"
            lines.append(text % (self.recomputed, self.planned, self.planned_without_recomputing))
        text = "Device %s: %d bytes for intermediate values, %d operators, %d bytes copied from others in %d values"
        lines += [text % (d.context, d.planned, d.steps, d.copied, d.copies) for d in self.devices]
        if self.values:
            lines.append("Largest intermediate values (steps 0 to %d, backward from %d)" % (self.steps - 1, self.forward_steps))
            lines += map(_row, self.values[:_SHOWN])
        return "\n".join(lines) + "\n"


def _row(value):
    again = " (recomputed)" if value.recomputed else ""
    where = "" if value.context is None else " on %s" % value.context
    numbers = (value.bytes, value.first_step, value.last_step)
    return "  %14d  steps %d to %d  %s [%s]%s%s" % (*numbers, value.name, value.op, where, again)


def memory_plan(numbers, values, devices):
    """The plan from what Rust tells."""
    values = [MemoryValue(*row, context=_context(device)) for *row, device in values]
    return MemoryPlan(values=values, devices=[MemoryDevice(_context(device), *row) for device, *row in devices], **numbers)


def _context(device):
    return None if device is None else Context(Context.devtype2str[device[0]], device[1])
