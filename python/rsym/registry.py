"""Registries of classes by name, from which instances are made by name or from their configuration."""

import json
import warnings

__all__ = ["get_registry", "get_register_func", "get_alias_func", "get_create_func"]

_REGISTRY = {}


def get_registry(base_class):
    """The classes registered for `base_class`, by lower-cased name; a copy."""
    return dict(_REGISTRY.setdefault(base_class, {}))


def get_register_func(base_class, nickname):
    """A function ``register(klass, name=None)`` for subclasses of `base_class`, usable as decorator.

    Parameters
    ----------
    base_class : type
    nickname : str
        What instances are called in messages and configurations.
    """
    registry = _REGISTRY.setdefault(base_class, {})

    def register(klass, name=None):
        assert issubclass(klass, base_class), "can only register subclasses of %s, got %r" % (base_class.__name__, klass)
        name = (name or klass.__name__).lower()
        if name in registry and registry[name].__qualname__ != klass.__qualname__:
            known = registry[name]
            warnings.warn(
                "the new %s %s.%s takes the name %s from %s.%s"
                % (nickname, klass.__module__, klass.__name__, name, known.__module__, known.__name__),
                UserWarning,
                stacklevel=2,
            )
        registry[name] = klass
        return klass

    register.__doc__ = "Makes a class known as a %s under its name; a decorator." % nickname
    return register


def get_alias_func(base_class, nickname):
    """A function ``alias(*names)`` that makes a decorator, which registers a class under further names."""
    register = get_register_func(base_class, nickname)

    def alias(*aliases):
        def decorate(klass):
            for name in aliases:
                register(klass, name)
            return klass

        return decorate

    alias.__doc__ = "Makes a class known as a %s under further names; a decorator." % nickname
    return alias


def get_create_func(base_class, nickname):
    """A function ``create(name, ...)`` that makes an instance of a registered class.

    `name` is a name, an instance (returned as it is), or a configuration: a dict or JSON with the name as `nickname`.
    """
    registry = _REGISTRY.setdefault(base_class, {})

    def create(*args, **kwargs):
        name, args = (args[0], args[1:]) if args else (kwargs.pop(nickname), ())
        if isinstance(name, base_class):
            assert not args and not kwargs, "%s is an instance already and takes no further arguments" % nickname
            return name
        if isinstance(name, dict):
            return create(**name)
        assert isinstance(name, str), "%s must be a name, got %r" % (nickname, name)
        if name.startswith(("[", "{")):
            assert not args and not kwargs, "a configuration takes no further arguments"
            loaded = json.loads(name)
            return create(**loaded) if isinstance(loaded, dict) else create(loaded[0], **loaded[1])
        klass = registry.get(name.lower())
        assert klass is not None, "there is no %s '%s'; there are %s" % (nickname, name, ", ".join(sorted(registry)))
        return klass(*args, **kwargs)

    create.__doc__ = "Makes a %s by its name or from its configuration; an instance is returned as it is." % nickname
    return create
