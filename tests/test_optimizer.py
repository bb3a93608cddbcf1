"""Optimizers against their formulas in NumPy, and what surrounds them: rates, counts, states."""

import base64
import copy
import pickle
import zlib

import numpy as np
import pytest

import rsym as mx

SHAPES = [(3, 4), (5,)]


def clip(x, bound):
    return x if bound is None else np.clip(x, -bound, bound)


# The twins: (weight, gradient, state dict, number of the update, parameters) to the new weight. States begin at zero.


def sgd(w, g, s, t, lr, wd=0, scale=1, bound=None, momentum=0):
    s["m"] = momentum * s.get("m", 0) - lr * (clip(scale * g, bound) + wd * w)
    return w + s["m"]


def nag(w, g, s, t, lr, wd=0, scale=1, bound=None, momentum=0):
    g, m = clip(scale * g, bound), momentum * s.get("m", 0)
    new = w + momentum * (m - lr * (g + wd * w)) - lr * (g + wd * w)
    s["m"] = m - lr * (g + wd * new)
    return new


def signum(w, g, s, t, lr=0.01, wd=0, scale=1, bound=None, momentum=0.9, wd_lh=0):
    if momentum == 0:
        return (1 - lr * wd) * w - lr * np.sign(g)
    s["m"] = momentum * s.get("m", 0) - (1 - momentum) * (clip(scale * g, bound) + wd * w)
    return (1 - lr * wd_lh) * w + lr * np.sign(s["m"])


def dcasgd(w, g, s, t, lr, wd=0, scale=1, bound=None, momentum=0, lamda=0.04):
    g, before = clip(scale * g, bound), s.get("w", w)
    s["m"] = momentum * s.get("m", 0) - lr * (g + wd * w + lamda * g * g * (w - before))
    s["w"] = w
    return w + s["m"]


def moments(g, s, beta1, beta2):
    s["m"] = beta1 * s.get("m", 0) + (1 - beta1) * g
    s["v"] = beta2 * s.get("v", 0) + (1 - beta2) * g * g
    return s["m"], s["v"]


def adam(w, g, s, t, lr=0.001, wd=0, scale=1, bound=None, beta1=0.9, beta2=0.999, epsilon=1e-8):
    m, v = moments(clip(scale * g + wd * w, bound), s, beta1, beta2)
    return w - lr * np.sqrt(1 - beta2**t) / (1 - beta1**t) * m / (np.sqrt(v) + epsilon)


def adamax(w, g, s, t, lr=0.002, wd=0, scale=1, bound=None, beta1=0.9, beta2=0.999):
    g = clip(scale * g + wd * w, bound)
    s["m"] = beta1 * s.get("m", 0) + (1 - beta1) * g
    s["u"] = np.maximum(beta2 * s.get("u", 0), abs(g))
    return w - lr / (1 - beta1**t) * s["m"] / s["u"]


def nadam(w, g, s, t, lr=0.001, wd=0, scale=1, bound=None, beta1=0.9, beta2=0.999, epsilon=1e-8):
    m, v = moments(clip(scale * g + wd * w, bound), s, beta1, beta2)
    now, soon = (beta1 * (1 - 0.5 * 0.96 ** (k * 0.004)) for k in (t, t + 1))
    s["schedule"] = s.get("schedule", 1.0) * now
    g = clip(scale * g + wd * w, bound) / (1 - s["schedule"])
    ahead = (1 - now) * g + soon * m / (1 - s["schedule"] * soon)
    return w - lr * ahead / (np.sqrt(v / (1 - beta2**t)) + epsilon)


def adagrad(w, g, s, t, lr, wd=0, scale=1, bound=None, eps=1e-7):
    g = clip(scale * g, bound)
    s["h"] = s.get("h", 0) + g * g
    return w - lr * (g / np.sqrt(s["h"] + eps) + wd * w)


def adadelta(w, g, s, t, lr=0, wd=0, scale=1, bound=None, rho=0.9, epsilon=1e-5):
    g = clip(scale * g, bound)
    s["g"] = rho * s.get("g", 0) + (1 - rho) * g * g
    delta = np.sqrt(s.get("d", 0) + epsilon) / np.sqrt(s["g"] + epsilon) * g
    s["d"] = rho * s.get("d", 0) + (1 - rho) * delta * delta
    return w - delta - wd * w


def rmsprop(
    w, g, s, t, lr=0.001, wd=0, scale=1, bound=None, gamma1=0.9, gamma2=0.9, epsilon=1e-8, centered=False, clip_weights=None
):
    g = clip(scale * g + wd * w, bound)
    s["n"] = gamma1 * s.get("n", 0) + (1 - gamma1) * g * g
    if not centered:
        return clip(w - lr * g / np.sqrt(s["n"] + epsilon), clip_weights)
    s["g"] = gamma1 * s.get("g", 0) + (1 - gamma1) * g
    s["d"] = gamma2 * s.get("d", 0) - lr * g / np.sqrt(s["n"] - s["g"] ** 2 + epsilon)
    return clip(w + s["d"], clip_weights)


def ftrl(w, g, s, t, lr=0.1, wd=0, scale=1, bound=None, lamda1=0.01, beta=1):
    g, n = clip(scale * g, bound), s.get("n", 0)
    s["z"] = s.get("z", 0) + g - (np.sqrt(n + g * g) - np.sqrt(n)) * w / lr
    s["n"] = n + g * g
    new = (np.sign(s["z"]) * lamda1 - s["z"]) / ((beta + np.sqrt(s["n"])) / lr + wd)
    return np.where(abs(s["z"]) > lamda1, new, 0)


def ftml(w, g, s, t, lr, wd=0, scale=1, bound=None, beta1=0.6, beta2=0.999, epsilon=1e-8):
    g = clip(scale * g + wd * w, bound)
    s["v"] = beta2 * s.get("v", 0) + (1 - beta2) * g * g
    d = (1 - beta1**t) / lr * (np.sqrt(s["v"] / (1 - beta2**t)) + epsilon)
    s["z"] = beta1 * s.get("z", 0) + (1 - beta1) * g - (d - beta1 * s.get("d", 0)) * w
    s["d"] = d
    return -s["z"] / d


def lamb(w, g, s, t, lr=0.001, wd=0, scale=1, bound=None, beta1=0.9, beta2=0.999, epsilon=1e-6, bias_correction=True, **bounds):
    m, v = moments(clip(scale * g, bound), s, beta1, beta2)
    if bias_correction:
        m, v = m / (1 - beta1**t), v / (1 - beta2**t)
    step = m / (np.sqrt(v) + epsilon) + wd * w
    r1 = np.linalg.norm(w)
    r1 = max(r1, bounds.get("lower_bound", 0))
    r1 = min(r1, bounds.get("upper_bound", np.inf))
    return w - lr * r1 / np.linalg.norm(step) * step


def lars(w, g, s, t, lr, wd=0, scale=1, bound=None, momentum=0, eta=0.001, eps=0):
    norms = np.linalg.norm(w), scale * np.linalg.norm(g)
    return sgd(w, g, s, t, lr * eta * norms[0] / (norms[1] + wd * norms[0] + eps), wd, scale, bound, momentum)


def groupadagrad(w, g, s, t, lr, wd=0, scale=1, bound=None, eps=1e-5):
    g = clip(scale * g, bound)
    s["h"] = s.get("h", 0) + (g * g).mean(axis=1, keepdims=True)
    return w - lr * g / np.sqrt(s["h"] + eps)


TWINS = {
    sgd: [{"lr": 0.1}, {"lr": 0.1, "momentum": 0.9}],
    nag: [{"lr": 0.1}, {"lr": 0.1, "momentum": 0.9}],
    signum: [{}, {"momentum": 0}, {"wd_lh": 0.1}],
    dcasgd: [{"lr": 0.1}, {"lr": 0.1, "momentum": 0.9, "lamda": 0.5}],
    adam: [{}, {"lr": 0.1, "beta1": 0.5, "beta2": 0.7, "epsilon": 1e-3}],
    adamax: [{}, {"lr": 0.1, "beta1": 0.5, "beta2": 0.7}],
    nadam: [{}, {"lr": 0.1, "beta1": 0.5, "beta2": 0.7}],
    adagrad: [{"lr": 0.1}, {"lr": 0.1, "eps": 1e-2}],
    adadelta: [{}, {"rho": 0.5, "epsilon": 1e-2}],
    rmsprop: [{}, {"lr": 0.1, "clip_weights": 0.5}, {"centered": True, "epsilon": 0.5}],
    ftrl: [{}, {"lr": 0.5, "lamda1": 0.3, "beta": 0.5}],
    ftml: [{"lr": 0.1}, {"lr": 0.1, "beta1": 0.3, "beta2": 0.7, "epsilon": 1e-3}],
    lamb: [{}, {"lr": 0.1, "bias_correction": False}, {"lower_bound": 5.0}, {"upper_bound": 0.5}],
    lars: [{"lr": 0.1}, {"lr": 0.1, "momentum": 0.9, "eta": 0.5, "eps": 0.1}],
    groupadagrad: [{"lr": 0.1}],
}
COMMON = [{}, {"wd": 0.05, "scale": 0.5}, {"bound": 0.3, "scale": 2.0}]
CASES = [(twin, {**params, **common}) for twin, variants in TWINS.items() for params in variants for common in COMMON]
KEYS = {"lr": "learning_rate", "scale": "rescale_grad", "bound": "clip_gradient"}


def make(twin, params):
    return mx.optimizer.create(twin.__name__, **{KEYS.get(k, k): v for k, v in params.items()})


def arrays(seed, dtype="float64"):
    rng = np.random.RandomState(seed)
    return [rng.uniform(-1, 1, shape).astype(dtype) for shape in SHAPES]


@pytest.mark.parametrize("twin, params", CASES)
@pytest.mark.parametrize("dtype, rtol", [("float32", 2e-4), ("float64", 1e-6)])
def test_updates_follow_their_formula(twin, params, dtype, rtol):
    if twin is groupadagrad and "wd" in params:
        return
    update = mx.optimizer.get_updater(make(twin, params))
    # GroupAdaGrad takes matrices; the momentum schedule of Nadam is one for all weights, as in MXNet.
    places = [0] if twin in (groupadagrad, nadam) else [0, 1]
    want, states = arrays(0), [{} for _ in SHAPES]
    weights = [mx.nd.array(w, dtype=dtype) for w in want]
    for t in range(1, 5):
        grads = arrays(t)
        update(places, [mx.nd.array(grads[k], dtype=dtype) for k in places], [weights[k] for k in places])
        want = [twin(w, g, s, t, **params) if k in places else w for k, (w, g, s) in enumerate(zip(want, grads, states))]
    for k in places:
        np.testing.assert_allclose(weights[k].asnumpy(), want[k], rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name", ["sgd", "nag", "adam", "lamb", "lars", "rmsprop", "lbsgd"])
@pytest.mark.parametrize("momentum", [0, 0.9])
def test_half_precision_follows_a_copy_in_single_precision(name, momentum):
    params = {"momentum": momentum} if name in ("sgd", "nag", "lars", "lbsgd") else {}
    params.update({"eta": 1.0} if name == "lars" else {})
    single, mixed = (mx.optimizer.create(name, learning_rate=0.01, multi_precision=m, **params) for m in (False, True))
    start = arrays(0, "float16")[0]
    full, half = mx.nd.array(start, dtype="float32"), mx.nd.array(start, dtype="float16")
    updates = mx.optimizer.get_updater(single), mx.optimizer.get_updater(mixed)
    for t in range(1, 20):
        grad = arrays(t, "float16")[0]
        updates[0](0, mx.nd.array(grad, dtype="float32"), full)
        updates[1](0, mx.nd.array(grad, dtype="float16"), half)
    assert half.dtype == np.float16
    # Rounding once at the end, not in every step: half a unit in the last place, and what the norms of LAMB and LARS see.
    np.testing.assert_allclose(half.asnumpy(), full.asnumpy(), rtol=6e-4, atol=1e-4)


def test_half_precision_without_a_copy_is_warned_of():
    with pytest.warns(UserWarning, match="multi_precision"):
        mx.optimizer.SGD().create_state_multi_precision(0, mx.nd.zeros((2,), dtype="float16"))


MANY = [
    ("sgd", {"momentum": 0.9}),
    ("lars", {"momentum": 0.9}),
    ("lamb", {}),
    ("adam", {}),
    ("nag", {"momentum": 0.9}),
    ("nag", {}),
    ("signum", {}),
    ("signum", {"momentum": 0.0}),
    ("rmsprop", {}),
    ("rmsprop", {"centered": True, "clip_weights": 0.5}),
    ("ftrl", {}),
    ("ftml", {"clip_gradient": 0.5}),
]


@pytest.mark.parametrize("name, params", MANY)
def test_many_at_once_give_the_bits_of_one_by_one(name, params):
    together, apart = (mx.optimizer.create(name, wd=0.01, **params) for _ in range(2))
    assert together.aggregate_num > 1
    apart.aggregate_num = 1
    results = []
    for optimizer in (together, apart):
        update = mx.optimizer.get_updater(optimizer)
        weights = [mx.nd.array(w) for w in arrays(0, "float32")]
        for t in range(1, 4):
            update([0, 1], [mx.nd.array(g) for g in arrays(t, "float32")], weights)
        results.append([w.asnumpy().tolist() for w in weights])
    assert results[0] == results[1]


@pytest.mark.parametrize("name", ["adam", "nag", "rmsprop"])
def test_many_of_half_precision_follow_their_copies(name):
    params = {"momentum": 0.9} if name == "nag" else {}
    results = []
    for most in (64, 1):
        optimizer = mx.optimizer.create(name, learning_rate=0.1, multi_precision=True, **params)
        optimizer.aggregate_num = most
        update = mx.optimizer.get_updater(optimizer)
        weights = [mx.nd.array(w, dtype="float16") for w in arrays(0, "float32")]
        update([0, 1], [mx.nd.array(g, dtype="float16") for g in arrays(1, "float32")], weights)
        results.append([w.asnumpy().tolist() for w in weights])
    assert results[0] == results[1]


def test_an_optimizer_that_overrides_update_gets_weights_one_by_one():
    seen = []

    class Watched(mx.optimizer.Adam):
        def update(self, index, weight, grad, state):
            seen.append(index)
            super().update(index, weight, grad, state)

    weights = [mx.nd.ones((2,)) for _ in range(3)]
    mx.optimizer.get_updater(Watched())([0, 1, 2], [mx.nd.ones((2,)) for _ in range(3)], weights)
    assert seen == [0, 1, 2]
    assert all((w.asnumpy() < 1).all() for w in weights)


def test_weights_of_several_types_are_updated_together():
    update = mx.optimizer.get_updater(mx.optimizer.SGD(learning_rate=1.0))
    weights = [mx.nd.ones((2,), dtype=d) for d in ("float32", "float64", "float32")]
    update(["a", "b", "c"], [mx.nd.ones((2,), dtype=w.dtype) * 0.25 for w in weights], weights)
    assert [w.asnumpy().tolist() for w in weights] == [[0.75, 0.75]] * 3


def test_multipliers_come_from_attributes_of_the_symbol():
    data = mx.sym.Variable("data")
    bias = mx.sym.Variable("fc1_bias", lr_mult=1.0)
    fc1 = mx.sym.FullyConnected(data, bias=bias, name="fc1", num_hidden=10, lr_mult=0)
    fc2 = mx.sym.FullyConnected(fc1, name="fc2", num_hidden=10, wd_mult=0.5)
    names = dict(enumerate(n for n in fc2.list_arguments() if n != "data"))
    optimizer = mx.optimizer.SGD(sym=fc2, param_idx2name=names, learning_rate=2.0, wd=0.1)
    index = {name: i for i, name in names.items()}
    assert {n: optimizer._get_lr(index[n]) for n in ("fc1_weight", "fc1_bias", "fc2_weight")} == {
        "fc1_weight": 0.0,
        "fc1_bias": 2.0,
        "fc2_weight": 2.0,
    }
    assert {n: optimizer._get_wd(index[n]) for n in index} == {
        "fc1_weight": 0.1,
        "fc1_bias": 0.0,
        "fc2_weight": 0.05,
        "fc2_bias": 0.05,
    }
    optimizer.set_lr_mult({"fc1_weight": 3.0, index["fc2_bias"]: 0.5})
    assert optimizer._get_lrs([index["fc1_weight"], index["fc2_bias"]]) == [6.0, 1.0]


def test_weights_known_by_name_are_decayed_by_their_names():
    optimizer = mx.optimizer.SGD(param_idx2name={0: "a_weight", 1: "a_bias", 2: "b_gamma", 3: "b_beta"}, wd=1.0)
    assert optimizer._get_wds([0, 1, 2, 3, 9]) == [1.0, 0.0, 1.0, 0.0, 1.0]
    assert mx.optimizer.LARS(param_idx2name={0: "b_gamma"}, wd=1.0)._get_wd(0) == 0.0


def test_lars_leaves_the_rate_of_biases_alone():
    optimizer = mx.optimizer.LARS(learning_rate=0.5, eta=0.1, param_idx2name={0: "w_bias", 1: "w_weight"})
    update = mx.optimizer.get_updater(optimizer)
    weights = [mx.nd.array([3.0, 4.0]), mx.nd.array([3.0, 4.0])]
    update([0, 1], [mx.nd.array([0.0, 2.0]), mx.nd.array([0.0, 2.0])], weights)
    np.testing.assert_allclose(weights[0].asnumpy(), [3.0, 3.0])
    np.testing.assert_allclose(weights[1].asnumpy(), [3.0, 4.0 - 0.5 * 0.1 * 5 / 2 * 2], rtol=1e-6)


def test_counts_are_kept_for_every_device_and_drive_the_schedule():
    schedule = mx.lr_scheduler.FactorScheduler(step=2, factor=0.5)
    optimizer = mx.optimizer.SGD(learning_rate=1.0, lr_scheduler=schedule, begin_num_update=1)
    assert optimizer.learning_rate == 1.0
    update = mx.optimizer.get_updater(optimizer)
    for device in (mx.cpu(0), mx.cpu(1)):
        for _ in range(2):
            update(0, mx.nd.zeros((1,), device), mx.nd.zeros((1,), device))
    assert optimizer.num_update == 3 and optimizer._all_index_update_counts == {0: {0: 3}, 1: {0: 3}}
    assert optimizer.learning_rate == 0.5
    with pytest.raises(UserWarning, match="lr_scheduler"):
        optimizer.set_learning_rate(0.1)


@pytest.mark.parametrize("name, params", [("sgd", {"momentum": 0.9}), ("adam", {}), ("nadam", {}), ("dcasgd", {"momentum": 0.5})])
def test_saved_states_go_on_as_if_nothing_had_happened(name, params):
    def run(interrupt):
        schedule = mx.lr_scheduler.FactorScheduler(step=2, factor=0.5)
        update = mx.optimizer.get_updater(mx.optimizer.create(name, learning_rate=0.1, lr_scheduler=schedule, **params))
        weight = mx.nd.array(arrays(0, "float32")[0])
        for t in range(1, 7):
            if interrupt and t == 4:
                saved = update.get_states(dump_optimizer=True)
                update = mx.optimizer.get_updater(mx.optimizer.create("sgd"))
                update.set_states(saved)
            update("w", mx.nd.array(arrays(t, "float32")[0]), weight)
        return weight.asnumpy().tolist()

    assert run(True) == run(False)


# What get_states gave in MXNet 1.9.1 after `test_states_of_mxnet_go_on` had begun there: the states, and with the optimizer.
FROM_MXNET = {
    False: (
        "eNprYJn6mwECaqdoeDP0iOZW5KWW6OWlJBYVJVbC6Ck97H4ujmDW5Cl+rVOCptRO6WHLSMxLyUmd0sORVJqZU5KZVzylhzOpsiQ1EarQWePkr8k/QWYzAjET"
        "1B5GBhSwH4jtp4CMLE7yZsxgzmABGZ7BnsHlrIKsnRGr9ob9UK2kamRwgGpsm1KqBwA5W0UI"
    ),
    True: (
        "eNqVUb1KA0EQziXBxPgLImhvES0sfIEoCikOUugDLJu79W5hb+/cuyWJIGihRJjO8XmsBX0HH8DCVitnk4umsHGWYWd35vvm77r+eFGtTOQK234FNpOhFsW+"
        "DrkxfDS7ERq9k6OJ9YC9WzzFK4SFmOtQCYRm30pVSJ0jLPZHheBl4HH7+evh03F7pGWaiT0nT6QddJR53/fiWlx35HEjbh3vzMO9P+HXTyX0v8DKYQm8Qwvb"
        "06bTrJCJvBTm10KonXVPqJfdGyJvw7IRecCVYJHhIXY7H1MyWFaG5UEsQqsI1IOqMuR9K73VAcXOEkODYhOrCjfDxiD8sdf7IpKaaZswm4W8EEj7aM0/Pdhi"
        "XCkmdSiG5S8LUquLnAj86Qp9zx2bw8YfcRjvwUqgZDZpQAr66cGaq0CyzIhA5jLVOIYVHkVGRA5HBaBfh6YMhweaJ8KV2sxHCbGfp7gLq1RROmA6Y9O930Mz"
        "SRNiJly38/7i5BWWFL8czRoZWxr7/jclgtU/"
    ),
}


@pytest.mark.parametrize("with_optimizer", FROM_MXNET)
def test_states_of_mxnet_go_on(with_optimizer):
    update = mx.optimizer.get_updater(mx.optimizer.SGD(learning_rate=0.5, momentum=0.9, multi_precision=True))
    if with_optimizer:
        update.optimizer = mx.optimizer.SGD()
    update.set_states(zlib.decompress(base64.b64decode(FROM_MXNET[with_optimizer])))
    assert update.states[0].asnumpy().tolist() == [-0.5, 0.5]
    momentum, master = update.states[1]
    assert (momentum.asnumpy().tolist(), master.asnumpy().tolist(), master.dtype) == ([-1], [2], np.float32)
    weight = mx.nd.array([0.5, 2.5])
    update(0, mx.nd.array([1, -1]), weight)
    np.testing.assert_allclose(weight.asnumpy(), [-0.45, 3.45], rtol=1e-6)


def test_optimizers_can_be_pickled_and_copied():
    optimizer = mx.optimizer.Adam(learning_rate=0.5, param_dict={0: object()})
    optimizer._update_count(3)
    for other in (pickle.loads(pickle.dumps(optimizer)), copy.deepcopy(optimizer)):
        assert other.learning_rate == 0.5 and other.num_update == 1
        other._update_count(3)
        assert other._all_index_update_counts[0][3] == 2 and other.param_dict == {}


def test_lbsgd_gathers_batches():
    optimizer = mx.optimizer.LBSGD(learning_rate=1.0, batch_scale=2, warmup_epochs=0)
    update, weight = mx.optimizer.get_updater(optimizer), mx.nd.zeros((1,))
    seen = []
    for grad in (1.0, 3.0, 1.0, 1.0):
        update(0, mx.nd.array([grad]), weight)
        seen.append(weight.asscalar())
    assert seen == [0.0, -4.0, -4.0, -6.0]


def test_sgld_adds_noise_of_the_rate():
    mx.random.seed(3)
    weight = mx.nd.zeros((100, 100))
    mx.optimizer.get_updater(mx.optimizer.SGLD(learning_rate=0.25))(0, mx.nd.ones((100, 100)), weight)
    values = weight.asnumpy()
    assert abs(values.mean() + 0.125) < 0.02 and abs(values.std() - 0.5) < 0.02


def test_only_known_optimizers_are_made():
    with pytest.raises(ValueError, match="adam"):
        mx.optimizer.create("adm")
    with pytest.raises(AssertionError, match="no weight decay"):
        mx.optimizer.get_updater(mx.optimizer.create("groupadagrad", wd=0.1))(0, mx.nd.ones((1, 1)), mx.nd.ones((1, 1)))


def test_the_module_is_found_under_all_of_its_names():
    assert mx.optimizer.opt is mx.optimizer.optimizer and mx.optimizer.opt.SGD is mx.optimizer.SGD
    assert mx.optimizer.contrib.GroupAdaGrad is mx.optimizer.Optimizer.opt_registry["groupadagrad"]


def test_updates_are_seen_by_executors_that_keep_packed_weights():
    x = mx.sym.Variable("x")
    net = mx.sym.FullyConnected(x, num_hidden=3, no_bias=True, name="fc")
    weight = mx.nd.ones((3, 4))
    bound = net.bind(mx.cpu(), {"x": mx.nd.ones((5, 4)), "fc_weight": weight}, grad_req="null")
    before = bound.forward()[0].asnumpy()
    bound.forward()
    mx.optimizer.get_updater(mx.optimizer.SGD(learning_rate=0.5))(0, mx.nd.ones((3, 4)), weight)
    assert before[0, 0] == 4.0 and bound.forward()[0].asnumpy()[0, 0] == 2.0


@pytest.mark.parametrize(
    "schedule, want",
    [
        (mx.lr_scheduler.FactorScheduler(step=2, factor=0.5, stop_factor_lr=0.3, base_lr=1.0), [1, 1, 1, 0.5, 0.5, 0.3, 0.3]),
        (mx.lr_scheduler.MultiFactorScheduler(step=[2, 4], factor=0.5, base_lr=1.0), [1, 1, 1, 0.5, 0.5, 0.25, 0.25]),
        (mx.lr_scheduler.PolyScheduler(4, 1.0, 2, 0.0), [1, 0.5625, 0.25, 0.0625, 0, 0, 0]),
        (mx.lr_scheduler.CosineScheduler(4, 1.0, 0.5), [1, 0.75 + 0.125 * 2**0.5, 0.75, 0.75 - 0.125 * 2**0.5, 0.5, 0.5, 0.5]),
        (mx.lr_scheduler.PolyScheduler(6, 1.0, 1, 0.0, 2, 0.5), [0.5, 0.75, 1, 0.75, 0.5, 0.25, 0]),
        (mx.lr_scheduler.CosineScheduler(4, 1.0, 0.0, 2, 0.5, "constant"), [0.5, 0.5, 1, 0.5, 0, 0, 0]),
    ],
)
def test_schedules(schedule, want):
    np.testing.assert_allclose([schedule(n) for n in range(7)], want, atol=1e-12)


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.FactorScheduler(step=0),
        lambda s: s.FactorScheduler(step=1, factor=1.1),
        lambda s: s.MultiFactorScheduler(step=[3, 3]),
        lambda s: s.MultiFactorScheduler(step=[0, 3]),
        lambda s: s.PolyScheduler(max_update=0),
        lambda s: s.LRScheduler(base_lr=0.1, warmup_begin_lr=0.2),
        lambda s: s.LRScheduler(warmup_steps=-1),
        lambda s: s.LRScheduler(warmup_mode="other"),
    ],
)
def test_impossible_schedules_are_refused(call):
    with pytest.raises(ValueError):
        call(mx.lr_scheduler)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_updates_of_lists_are_those_of_single_weights(dtype):
    def make():
        weights, grads = ([mx.nd.array(x, dtype=dtype) for x in arrays(seed)] for seed in (0, 1))
        states = [[mx.nd.zeros(w.shape) for w in weights] for _ in range(2)]
        return weights, grads, *states, [w.astype("float32") for w in weights]

    half, rates = dtype == "float16", {"lrs": [0.1, 0.2], "wds": [0.01, 0.0], "etas": [0.5, 1.0]}
    (w, g, m, v, masters), prefix = make(), "mp_" if half else ""
    lists = [w, g, m, v] + [masters] * half
    getattr(mx.nd.contrib, "multi_%sadamw_update" % prefix)(*lists, 0.5, out=w, **rates)
    for k, alone in enumerate(zip(*make())):
        given = alone if half else alone[:4]
        params = {"lr": rates["lrs"][k], "wd": rates["wds"][k], "eta": rates["etas"][k]}
        factor = mx.nd.array([0.5])
        getattr(mx.nd.contrib, prefix + "adamw_update")(*given, factor, out=given[0], **params)
        assert given[0].asnumpy().tolist() == w[k].asnumpy().tolist()
    (w, g, m, v, masters), before = make(), make()[0]
    lists = [w, g, m, v] + [masters] * half
    getattr(mx.nd.contrib, "multi_%slamb_update" % prefix)(*lists, [1, 1], [0.1, 0.2], [0.0, 0.0], out=w)
    # A step is as long as the rate times the weight.
    for k, lr in enumerate((0.1, 0.2)):
        length, step = (np.linalg.norm(x) for x in (before[k].asnumpy(), w[k].asnumpy() - before[k].asnumpy()))
        assert abs(step / length - lr) < 2e-3


@pytest.mark.parametrize("name, params", [("sgld", {}), ("lbsgd", {"batch_scale": 2}), ("lbsgd", {"warmup_strategy": "lars"})])
def test_several_weights_at_once_are_updated_as_one_by_one(name, params):
    found = []
    for together in (False, True):
        mx.random.seed(3)
        optimizer = mx.optimizer.create(name, learning_rate=0.1, wd=0.01, clip_gradient=0.5, **params)
        assert optimizer.aggregate_num == 64
        updater = mx.optimizer.get_updater(optimizer)
        weights = [mx.nd.array(np.arange(4) + i) for i in range(3)]
        for step in range(3):
            grads = [weight * 0.5 + step for weight in weights]
            if together:
                updater([0, 1, 2], grads, weights)
            else:
                [updater(i, g, w) for i, (g, w) in enumerate(zip(grads, weights))]
        found.append([weight.asnumpy() for weight in weights])
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0][0], np.arange(4))
