"""What is innermost right now: the stack behind `Context`, `AttrScope` and `NameManager`.

A frame is `(owner, payload, outer frame, who entered it)` and frames are never changed, so a scope object keeps
no trace of having been entered: it can be entered again, inside itself, and in several threads or tasks at once.
"""

from contextvars import ContextVar

from . import _rsym

OWNER, PAYLOAD, OUTER, ENTERED = 0, 1, 2, 3


class ScopeStack:
    """The active scopes of the running thread or asyncio task.

    A new thread starts with the default alone; an asyncio task starts with what was active where it was created.

    Parameters
    ----------
    name : str
        For the `ContextVar`.
    default : function
        Gives the owner and payload of a thread's outermost scope.
    """

    __slots__ = ("_var", "_thread", "_default")

    def __init__(self, name, default):
        self._var = ContextVar(name, default=None)
        self._thread = _rsym.ThreadSlot()
        self._default = default

    def frame(self):
        """The innermost frame."""
        return self._var.get() or self._outermost()

    def _outermost(self):
        frame = self._thread.get()
        if frame is None:
            frame = (*self._default(), None, None)
            self._thread.set(frame)
        return frame

    def push(self, owner, payload=None):
        """Make `owner` the innermost scope."""
        self._var.set((owner, payload, self._var.get(), owner))

    def pop(self, owner):
        """Leave the block that `owner` entered last and all inside it; nothing if there is none here."""
        frame = self.find(owner, ENTERED)
        if frame is not None:
            self._var.set(frame[OUTER])

    def find(self, owner, role=OWNER):
        """The innermost frame in which `owner` has the role, or None."""
        frame = self._var.get()
        while frame is not None and frame[role] is not owner:
            frame = frame[OUTER]
        return frame

    def replace(self, owner, payload=None):
        """Put `owner` in the place of the innermost scope, until the block of that one is left."""
        frame = self._var.get()
        if frame is None:
            self._thread.set((owner, payload, None, None))
        else:
            self._var.set((owner, payload, frame[OUTER], frame[ENTERED]))


class Current:
    """The innermost scope as a `.value` to read and to set, the way MXNet's thread-local scopes are reached."""

    __slots__ = ("_stack", "_payload")

    def __init__(self, stack, payload=lambda owner: None):
        self._stack = stack
        self._payload = payload

    @property
    def value(self):
        return self._stack.frame()[OWNER]

    @value.setter
    def value(self, owner):
        self._stack.replace(owner, self._payload(owner))


def scope_type(attribute):
    """A metaclass whose classes show the innermost scope as the class attribute `attribute`."""

    def get(cls):
        return cls._current.value

    def put(cls, owner):
        cls._current.value = owner

    return type("ScopeType", (type,), {attribute: property(get, put)})
