"""The profiler: what it records, its tables, its trace file, and that nothing is recorded when it is off."""

import json
import threading

import numpy as np
import pytest

import rsym as mx

profiler, nd, S = mx.profiler, mx.nd, mx.sym
ONE = nd.ones((2,))


@pytest.fixture(autouse=True)
def fresh_profiler(tmp_path):
    profiler.set_state("stop")
    profiler.set_config(
        filename=str(tmp_path / "trace.json"),
        profile_all=False,
        profile_symbolic=True,
        profile_imperative=True,
        profile_memory=True,
    )
    forget()
    with mx.name.NameManager():
        yield tmp_path / "trace.json"
    profiler.set_state("stop")
    forget()


def forget():
    mx._rsym.profile_events(True)
    profiler.dumps(reset=True)


def dense(hidden=3):
    x = S.Variable("x")
    net = S.Activation(S.FullyConnected(x, num_hidden=hidden, name="fc"), act_type="relu", name="relu")
    return net.simple_bind(mx.cpu(), x=(2, 4))


def stats(**options):
    return json.loads(profiler.dumps(format="json", **options))


def trace(path):
    return [e for e in json.loads(path.read_text())["traceEvents"] if e["ph"] != "M"]


def test_nothing_is_recorded_unless_it_runs():
    executor = dense()
    executor.forward()
    nd.exp(ONE)
    assert stats()["Time"] == {}
    profiler.set_state("run")
    profiler.set_state("stop")
    executor.forward()
    assert stats()["Time"] == {}


def test_operators_of_executors_are_timed_with_the_bytes_of_their_outputs():
    executor = dense()
    profiler.set_state("run")
    for _ in range(3):
        executor.forward(is_train=True)
    profiler.set_state("stop")
    found = stats()
    assert found["Unit"] == {"Time": "ms", "Memory": "kB"}
    row = found["Time"]["operator"]["FullyConnected"]
    assert row["Count"] == 3
    assert 0 < row["Min"] <= row["Avg"] <= row["Max"] <= row["Total"] < 10_000
    assert row["Avg"] == pytest.approx(row["Total"] / 3)
    assert found["Memory"]["operator"]["FullyConnected"] == {"Count": 3, "Total": 0.072, "Min": 0.024, "Max": 0.024, "Avg": 0.024}
    executor.backward(nd.ones((2, 3)))
    assert stats() == found


def test_the_backward_pass_is_recorded():
    executor = dense()
    executor.forward(is_train=True)
    profiler.set_state("run")
    executor.backward(nd.ones((2, 3)))
    nodes = stats(by="node")["Time"]["operator"]
    assert any(name.startswith("fc_backward") for name in nodes)
    assert "fc" not in nodes


def test_kinds_are_switched_on_their_own():
    executor = dense()
    profiler.set_state("run")
    profiler.set_config(profile_symbolic=False, profile_memory=False)
    executor.forward(is_train=True)
    nd.exp(ONE)
    found = stats(reset=True)
    assert "exp" in found["Time"]["operator"]
    assert "FullyConnected" not in found["Time"]["operator"]
    assert found["Memory"] == {}
    profiler.set_config(profile_imperative=False, profile_all=True)
    executor.forward(is_train=True)
    nd.exp(ONE)
    found = stats()
    assert {"FullyConnected", "exp"} <= set(found["Time"]["operator"]) == set(found["Memory"]["operator"])


def test_pause_and_resume():
    profiler.set_state("run")
    nd.exp(ONE)
    profiler.pause()
    nd.sin(ONE)
    profiler.resume()
    nd.cos(ONE)
    assert {"exp", "cos"} == set(stats()["Time"]["operator"])


def test_nothing_goes_on_after_stop_though_it_was_paused():
    profiler.set_state("run")
    profiler.pause()
    profiler.set_state("stop")
    profiler.resume()
    nd.exp(ONE)
    assert stats()["Time"] == {}


def test_the_table_has_the_columns_of_mxnet():
    profiler.set_state("run")
    nd.exp(nd.ones((250,)))
    profiler.set_state("stop")
    lines = profiler.dumps().split("\n")
    assert lines[1:3] == ["Profile Statistics:", "\tNote the difference in units for different entries."]
    at = lines.index("operator")
    assert lines[at + 2] == (
        "Name                          Total Count        Time (ms)    Min Time (ms)    Max Time (ms)    Avg Time (ms)"
    )
    assert lines[at + 3].split() == ["----", "-" * 11, "-" * 9, "-" * 13, "-" * 13, "-" * 13]
    row = next(line for line in lines[at:] if line.startswith("exp"))
    assert len(row) == len(lines[at + 2]) and row.split()[1] == "1"
    at = lines.index("operator memory")
    row = next(line for line in lines[at:] if line.startswith("exp"))
    assert row.split() == ["exp", "1", "1.0000", "1.0000", "1.0000"]


def test_rows_are_sorted_as_asked():
    profiler.set_state("run")
    for count, name in enumerate(("sin", "exp", "cos"), 1):
        for _ in range(count):
            getattr(nd, name)(ONE)
    profiler.set_state("stop")
    assert list(stats(sort_by="count")["Time"]["operator"]) == ["cos", "exp", "sin"]
    assert list(stats(sort_by="count", ascending=True)["Time"]["operator"]) == ["sin", "exp", "cos"]
    for key in ("total", "avg", "min", "max"):
        values = [row[key.capitalize()] for row in stats(sort_by=key)["Time"]["operator"].values()]
        assert values == sorted(values, reverse=True)


def test_reset_forgets():
    profiler.set_state("run")
    nd.exp(ONE)
    assert stats(reset=True)["Time"]
    assert stats()["Time"] == {}


@pytest.mark.parametrize("options", [{"format": "xml"}, {"sort_by": "name"}, {"by": "line"}])
def test_unknown_forms_list_the_known_ones(options):
    with pytest.raises(AssertionError, match="Invalid value provided for %s.*Support: '" % next(iter(options))):
        profiler.dumps(**options)


def test_what_custom_operators_do_is_their_own(fresh_profiler):
    class Twice(mx.operator.CustomOp):
        def forward(self, is_train, req, in_data, out_data, aux):
            nd.zeros((2,))
            self.assign(out_data[0], req[0], in_data[0] * 2)

        def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
            self.assign(in_grad[0], req[0], out_grad[0] * 2)

    @mx.operator.register("profiled_twice")
    class TwiceProp(mx.operator.CustomOpProp):
        def create_operator(self, ctx, shapes, types):
            return Twice()

    executor = S.Custom(S.Variable("x"), op_type="profiled_twice").simple_bind(mx.cpu(), x=(2,))
    profiler.set_state("run")
    for _ in range(3):
        executor.forward(is_train=True)
        executor.backward(nd.ones((2,)))
    profiler.set_state("stop")
    rows = json.loads(profiler.dumps(format="json"))["Time"]
    own = rows["Custom Operator"]
    names = ["pure_python", "_zeros", "_mul_scalar"]
    assert {f"profiled_twice::{name}" for name in names} <= own.keys()
    assert {f"_backward_profiled_twice::{name}" for name in ("pure_python", "_mul_scalar")} <= own.keys()
    assert all(own[name]["Count"] == 3 for name in own if name.endswith(("pure_python", "_zeros")))
    assert "_mul_scalar" not in rows["operator"] and rows["operator"]["Custom"]["Count"] == 3
    inside = sum(row["Total"] for name, row in own.items() if name.startswith("profiled_twice::"))
    assert inside <= rows["operator"]["Custom"]["Total"]


def test_the_trace_file(fresh_profiler):
    executor = dense()
    profiler.set_state("run")
    executor.forward(is_train=True)
    executor.backward(nd.ones((2, 3)))
    profiler.dump()
    events = trace(fresh_profiler)
    dense_forward = [e for e in events if e["name"] == "FullyConnected"]
    assert len(dense_forward) == 1
    assert dense_forward[0]["args"] == {"node": "fc", "bytes": 24}
    assert dense_forward[0]["cat"] == "operator" and dense_forward[0]["ph"] == "X" and dense_forward[0]["dur"] > 0
    assert [e["ts"] for e in events] == sorted(e["ts"] for e in events)
    nd.exp(ONE)
    profiler.dump()
    assert trace(fresh_profiler) == []


def test_an_unfinished_dump_goes_on(fresh_profiler):
    profiler.set_state("run")
    nd.exp(ONE)
    profiler.dump(finished=False)
    nd.sin(ONE)
    profiler.dump(finished=True)
    assert [e["name"] for e in trace(fresh_profiler)] == ["exp", "sin"]


def test_a_dump_that_fails_forgets_nothing(fresh_profiler, tmp_path):
    profiler.set_state("run")
    nd.exp(ONE)
    profiler.set_config(filename=str(tmp_path / "missing" / "trace.json"))
    with pytest.raises(FileNotFoundError):
        profiler.dump()
    profiler.set_config(filename=str(fresh_profiler))
    profiler.dump()
    assert [e["name"] for e in trace(fresh_profiler)] == ["exp"]


def test_what_a_program_marks_itself(fresh_profiler):
    profiler.set_state("run")
    domain = profiler.Domain("training")
    task, frame, event = domain.new_task("load"), domain.new_frame("image"), profiler.Event("epoch")
    with event:
        task.start()
        with frame:
            counter = domain.new_counter("images", 3)
            counter += 4
            counter -= 1
            counter.decrement(2)
        task.stop()
        task.stop()
        domain.new_marker("saved").mark("global")
    assert [str(x) for x in (domain, task, frame, event, counter)] == ["training", "load", "image", "epoch", "images"]
    found = stats()["Time"]
    assert (
        found["training"]["load"]["Count"] == found["training,frame"]["image"]["Count"] == found["event"]["epoch"]["Count"] == 1
    )
    profiler.dump()
    events = trace(fresh_profiler)
    assert [e["args"]["images"] for e in events if e["ph"] == "C"] == [3, 7, 6, 4]
    assert [(e["name"], e["cat"], e["s"]) for e in events if e["ph"] == "i"] == [("saved", "training,instant_marker", "g")]
    spans = {e["name"]: e for e in events if e["ph"] == "X"}
    for outer, inner in (("epoch", "load"), ("load", "image")):
        assert spans[outer]["ts"] <= spans[inner]["ts"]
        assert spans[inner]["ts"] + spans[inner]["dur"] <= spans[outer]["ts"] + spans[outer]["dur"]
    with pytest.raises(ValueError, match="'global'"):
        domain.new_marker("saved").mark("nowhere")


def test_scopes_nest(fresh_profiler):
    profiler.set_state("run")
    with profiler.scope("encoder"):
        with profiler.scope("layer1:"):
            nd.exp(ONE)
        with profiler.scope("alone", append_mode=False):
            pass
    profiler.dump()
    names = [e["name"] for e in trace(fresh_profiler) if e["cat"] == "scope"]
    assert names == ["encoder:", "encoder:layer1:", "alone:"]


def test_threads_are_told_apart(fresh_profiler):
    profiler.set_state("run")

    def work():
        for _ in range(50):
            nd.exp(ONE)

    threads = [threading.Thread(target=work) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert stats()["Time"]["operator"]["exp"]["Count"] == 200
    profiler.dump()
    assert len({e["tid"] for e in trace(fresh_profiler) if e["name"] == "exp"}) == 4


def test_results_are_the_same_while_profiled():
    executor = dense()
    executor.arg_dict["x"][:] = np.arange(8).reshape(2, 4)
    executor.arg_dict["fc_weight"][:] = np.linspace(-1, 1, 12).reshape(3, 4)
    plain = executor.forward()[0].asnumpy()
    profiler.set_state("run")
    assert (executor.forward()[0].asnumpy() == plain).all()


@pytest.mark.parametrize(
    "options, pattern",
    [
        ({"file": "x"}, "Cannot find argument 'file'.*\n.*\n.*profile_all"),
        ({"profile_all": "perhaps"}, "profile_all expect boolean"),
        ({"dump_period": "often"}, "dump_period expect float"),
        ({"profile_process": "server"}, "no servers"),
    ],
)
def test_wrong_options_change_nothing(options, pattern):
    before = dict(profiler._profiler.options)
    with pytest.raises(mx.MXNetError, match=pattern):
        profiler.set_config(filename="other.json", **options)
    assert profiler._profiler.options == before


def test_states_and_processes():
    with pytest.raises(KeyError):
        profiler.set_state("go")
    with pytest.raises(KeyError):
        profiler.pause("helper")
    with pytest.raises(mx.MXNetError, match="no servers"):
        profiler.resume("server")


def test_the_old_names_warn(fresh_profiler):
    with pytest.warns(UserWarning, match="profiler.set_config"):
        profiler.profiler_set_config("all", str(fresh_profiler))
    with pytest.warns(UserWarning, match="profiler.set_state"):
        profiler.profiler_set_state("run")
    nd.exp(ONE)
    with pytest.warns(UserWarning, match="profiler.dump"):
        profiler.dump_profile()
    assert [e["name"] for e in trace(fresh_profiler)] == ["exp"]
