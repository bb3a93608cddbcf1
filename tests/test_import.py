"""What importing rsym does, and does not."""

import subprocess
import sys
import textwrap

import pytest


def python(program, *options):
    done = subprocess.run([sys.executable, *options, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done


def test_importing_prints_nothing_and_starts_no_thread():
    done = python(
        """
        import os, threading
        import numpy  # its own libraries may start threads
        tasks = "/proc/self/task"
        before = len(os.listdir(tasks)) if os.path.isdir(tasks) else 1
        import rsym
        after = len(os.listdir(tasks)) if os.path.isdir(tasks) else 1
        assert (threading.active_count(), after) == (1, before), (before, after)
        """,
        "-W",
        "error",
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_composing_and_inferring_starts_no_thread_either():
    python(
        """
        import os
        import rsym as mx
        tasks = "/proc/self/task"
        before = len(os.listdir(tasks)) if os.path.isdir(tasks) else 1
        net = mx.sym.FullyConnected(mx.sym.Variable("x"), num_hidden=3)
        net.infer_shape(x=(2, 3))
        mx.sym.load_json(net.tojson())
        after = len(os.listdir(tasks)) if os.path.isdir(tasks) else 1
        assert after == before, (before, after)
        """
    )


@pytest.mark.parametrize("module", ["scipy", "graphviz", "fsspec", "s3fs", "matplotlib", "rsym.test_utils", "rsym.visualization"])
def test_importing_does_not_import(module):
    python("import sys, rsym; assert %r not in sys.modules" % module)


@pytest.mark.parametrize(
    "name",
    ["test_utils", "visualization", "viz", "random", "util", "runtime", "log", "error", "model", "libinfo", "operator"]
    + ["callback", "kvstore", "lr_scheduler", "metric", "monitor", "optimizer", "registry"],
)
def test_modules_are_there_when_they_are_first_used(name):
    python("import rsym; assert %r in dir(rsym); assert rsym.%s.__name__.startswith('rsym.')" % (name, name))


def test_modules_can_be_imported_by_name():
    python(
        """
        import rsym
        import rsym.symbol, rsym.ndarray, rsym.test_utils, rsym.visualization
        from rsym import nd, sym, viz
        from rsym.base import MXNetError
        assert sym is rsym.symbol and nd is rsym.ndarray and viz is rsym.visualization
        assert rsym.MXNetError is MXNetError
        """
    )


def test_names_that_are_not_there_are_attribute_errors():
    python(
        """
        import rsym
        try:
            rsym.no_such_name
        except AttributeError as error:
            assert "no_such_name" in str(error)
        else:
            raise SystemExit("no error")
        """
    )


def test_the_version_is_text():
    python("import rsym; assert rsym.__version__[0].isdigit()")


def test_nothing_is_printed_by_a_session():
    done = python(
        """
        import rsym as mx
        net = mx.sym.FullyConnected(mx.sym.Variable("x"), num_hidden=3, name="fc")
        executor = net.simple_bind(mx.cpu(), x=(2, 3))
        executor.forward(is_train=True)
        executor.backward(mx.nd.ones((2, 3)))
        try:
            net.infer_shape(x=(2, 3), fc_weight=(9, 9))
        except mx.MXNetError:
            pass
        """
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_gluon_can_be_imported_and_says_what_to_do_when_it_is_used():
    from rsym import gluon
    from rsym.gluon import nn

    with pytest.raises(AttributeError, match=r"rsym has no gluon\.nn\.Dense.*export"):
        nn.Dense(10)
    with pytest.raises(AttributeError, match=r"no gluon\.Trainer"):
        gluon.Trainer

    class Net(gluon.HybridBlock):
        pass

    with pytest.raises(AttributeError, match="from which Net derives"):
        Net()
