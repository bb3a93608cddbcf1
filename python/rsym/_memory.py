"""What `Executor.memory_plan` gives."""

import dataclasses

__all__ = ["MemoryPlan", "MemoryValue"]

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
    """

    name: str
    op: str
    bytes: int
    offset: int
    first_step: int
    last_step: int
    recomputed: bool


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
        if self.values:
            lines.append("Largest intermediate values (steps 0 to %d, backward from %d)" % (self.steps - 1, self.forward_steps))
            lines += map(_row, self.values[:_SHOWN])
        return "\n".join(lines) + "\n"


def _row(value):
    again = " (recomputed)" if value.recomputed else ""
    return "  %14d  steps %d to %d  %s [%s]%s" % (value.bytes, value.first_step, value.last_step, value.name, value.op, again)
