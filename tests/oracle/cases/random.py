"""Operators that draw: shapes and types, and numbers where the parameters leave no choice."""

from .table import but, case, drawn, f, pos, v, whole


def plain(op, **params):
    return but(case(op, {}, **params), forward_only="no inputs")


def like(op, data, **params):
    return but(case(op, dict(data=data), **params), forward_only="the gradient is zero")


# Distribution, parameters at which it varies, and those at which all numbers are the same.
CONTINUOUS = [
    ("uniform", dict(low=-2, high=3), [dict(low=2, high=2)]),
    ("normal", dict(loc=1, scale=2), [dict(loc=1.5, scale=0)]),
    ("exponential", dict(lam=2.5), []),
    ("gamma", dict(alpha=2, beta=0.5), [dict(alpha=2, beta=0)]),
]
DISCRETE = [
    ("poisson", dict(lam=4.5), [dict(lam=0)]),
    ("negative_binomial", dict(k=3, p=0.4), [dict(k=3, p=1)]),
    ("generalized_negative_binomial", dict(mu=2, alpha=0.3), [dict(mu=0, alpha=0.5), dict(mu=0, alpha=0)]),
]
# Parameters out of range.
REFUSED = [
    ("uniform", dict(low=3, high=-2)),
    ("normal", dict(scale=-1)),
    ("exponential", dict(lam=-1)),
    ("gamma", dict(alpha=-1)),
    ("poisson", dict(lam=-1)),
    ("negative_binomial", dict(k=-1)),
    ("generalized_negative_binomial", dict(mu=-1)),
]

BY_SHAPE = []
for name, free, fixed in CONTINUOUS + DISCRETE:
    op = f"_random_{name}"
    BY_SHAPE += [
        drawn(plain(op, shape=(2, 3))),
        drawn(plain(op, shape=4, **free)),
        drawn(plain(op, shape=(2, 1), dtype="float64", **free)),
        drawn(plain(op, shape=(3,), dtype="float16", **free)),
        plain(op, **free),  # the shape stays open
        plain(op, shape=(2,), dtype="int32"),
    ]
    BY_SHAPE += [plain(op, shape=(2, 2), **params) for params in fixed]
    BY_SHAPE += [
        drawn(like(f"{op}_like", f(2, 3), **free)),
        drawn(like(f"{op}_like", f(3, dtype="float64"))),
        drawn(like(f"{op}_like", f(1, 2, dtype="float16"), **free)),
        like(f"{op}_like", v([1, 2], "int32")),
    ]
    BY_SHAPE += [like(f"{op}_like", f(2, 2), **params) for params in fixed]
BY_SHAPE += [plain(f"_random_{name}", shape=(2,), **params) for name, params in REFUSED]
BY_SHAPE.append(but(plain("_random_negative_binomial", shape=(2,), p=1.5), undefined="1.5 is no probability"))

RANDINT = [
    drawn(plain("_random_randint", low=0, high=5, shape=(2, 3))),
    drawn(plain("_random_randint", low=-5, high=5, shape=4, dtype="int64")),
    plain("_random_randint", low=3, high=4, shape=(2, 2)),
    plain("_random_randint", low=-7, high=-6, shape=(2,), dtype="int64"),
    but(plain("_random_randint", low=3, high=3, shape=(2,)), undefined="MXNet divides by zero"),
    but(plain("_random_randint", low=4, high=3, shape=(2,)), undefined="as above"),
    plain("_random_randint", low=0, high=3, shape=(2,), dtype="float32"),
    plain("_random_randint", low=0, shape=(2,)),
    plain("_random_randint", low=0, high=3),
]

# Inputs by name: values that vary, and values that leave no choice.
BY_PARAMETERS = [
    ("uniform", dict(low=[0.0, 2.0], high=[1.0, 4.0]), dict(low=[1.0, -2.0], high=[1.0, -2.0])),
    ("normal", dict(mu=[0.0, 2.0], sigma=[1.0, 0.5]), dict(mu=[0.5, -2.0], sigma=[0.0, 0.0])),
    ("gamma", dict(alpha=[1.0, 2.0], beta=[1.0, 0.5]), dict(alpha=[1.0, 2.0], beta=[0.0, 0.0])),
    ("exponential", dict(lam=[1.0, 4.0]), None),
    ("poisson", dict(lam=[1.0, 4.0]), dict(lam=[0.0, 0.0])),
    ("negative_binomial", dict(k=[2.0, 3.0], p=[0.5, 0.25]), dict(k=[2.0, 3.0], p=[1.0, 1.0])),
    ("generalized_negative_binomial", dict(mu=[2.0, 3.0], alpha=[0.5, 0.25]), dict(mu=[0.0, 0.0], alpha=[0.5, 0.0])),
]


def sample(name, values, dtype="float32", **params):
    inputs = {key: v(value, dtype) for key, value in values.items()}
    return but(case(f"_sample_{name}", inputs, **params), forward_only="the gradient is zero")


SAMPLE = []
for name, free, fixed in BY_PARAMETERS:
    SAMPLE += [
        drawn(sample(name, free)),
        drawn(sample(name, free, shape=3)),
        drawn(sample(name, free, shape=(2, 3), dtype="float64")),
        drawn(sample(name, {key: [value, value] for key, value in free.items()}, shape=(1,))),
        drawn(sample(name, free, "float64", shape=2)),
    ]
    SAMPLE += [sample(name, fixed, shape=(2,))] if fixed else []

CERTAIN = v([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
CHOICE = [
    but(case("_sample_multinomial", dict(data=CERTAIN), **params), forward_only="indices")
    for params in [
        dict(),
        dict(shape=2),
        dict(shape=(2, 1)),
        dict(dtype="float32"),
        dict(dtype="float64", shape=2),
        dict(dtype="uint8"),
        dict(get_prob=True),
        dict(get_prob=True, shape=(2,), dtype="float32"),
    ]
] + [
    but(case("_sample_multinomial", dict(data=v([0.0, 0.0, 1.0])), **params), forward_only="indices")
    for params in [dict(), dict(shape=3), dict(get_prob=True)]
]
CHOICE += [
    drawn(but(case("_sample_multinomial", dict(data=pos(2, 4)), shape=5), forward_only="indices")),
    drawn(plain("_sample_unique_zipfian", range_max=20, shape=(2, 3))),
]

SHUFFLE = [
    drawn(but(case("_shuffle", dict(data=f(4, 2))), forward_only="drawn")),
    but(case("_shuffle", dict(data=f(1, 3))), forward_only="drawn"),
    but(case("_shuffle", dict(data=v([[2, 5], [2, 5]], "int32"))), forward_only="drawn"),
]

PICTURE = whole(0, 256, 4, 4, 3, dtype="uint8")
IMAGES = [
    drawn(but(case(f"_image_random_{name}", dict(data=data), **params), forward_only="drawn"))
    for name, params in [
        ("brightness", dict(min_factor=0.5, max_factor=1.5)),
        ("contrast", dict(min_factor=0.5, max_factor=1.5)),
        ("saturation", dict(min_factor=0.5, max_factor=1.5)),
        ("hue", dict(min_factor=0.5, max_factor=1.5)),
        ("color_jitter", dict(brightness=0.1, contrast=0.1, saturation=0.1, hue=0.1)),
        ("lighting", dict(alpha_std=0.1)),
        ("flip_left_right", {}),
        ("flip_top_bottom", {}),
    ]
    for data in (PICTURE, f(4, 4, 3))
] + [
    but(case(f"_image_random_{name}", dict(data=f(4, 4, 3)), min_factor=factor, max_factor=factor), forward_only="drawn")
    for name in ("brightness", "contrast", "saturation")
    for factor in (1.0, 0.5)
]
IMAGES += [
    but(case("_image_random_flip_left_right", dict(data=v([[[1], [1]]]))), forward_only="drawn"),
    but(case("_image_random_flip_top_bottom", dict(data=v([[[1]], [[1]]]))), forward_only="drawn"),
]

CASES = BY_SHAPE + RANDINT + SAMPLE + CHOICE + SHUFFLE + IMAGES
