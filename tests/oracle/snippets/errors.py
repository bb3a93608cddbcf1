"""The class of the error that a bad call raises."""

import numpy as np

from .support import raised, snippet, table


def x(mx, name="x"):
    return mx.sym.Variable(name)


def fc(mx):
    return mx.sym.FullyConnected(x(mx, "data"), num_hidden=3, name="fc")


def zeros(mx, *shape, dtype="float32"):
    return mx.nd.zeros(shape, dtype=dtype)


def good(mx):
    return {"data": zeros(mx, 2, 4), "fc_weight": zeros(mx, 3, 4), "fc_bias": zeros(mx, 3)}


CALLS = {
    "unknown_keyword": lambda mx: mx.sym.FullyConnected(x(mx), num_hidden=2, hidden=3),
    "missing_parameter": lambda mx: mx.sym.FullyConnected(x(mx)),
    "bad_enum": lambda mx: mx.sym.Activation(x(mx), act_type="swish"),
    "below_range": lambda mx: mx.sym.FullyConnected(x(mx), num_hidden=0),
    "negative": lambda mx: mx.sym.FullyConnected(x(mx), num_hidden=-1),
    "negative_probability": lambda mx: mx.sym.Dropout(x(mx), p=-0.1),
    "float_for_whole": lambda mx: mx.sym.FullyConnected(x(mx), num_hidden=4.0),
    "text_for_whole": lambda mx: mx.sym.FullyConnected(x(mx), num_hidden="4"),
    "word_for_whole": lambda mx: mx.sym.FullyConnected(x(mx), num_hidden="four"),
    "none_for_whole": lambda mx: mx.sym.FullyConnected(x(mx), num_hidden=None),
    "bool_scalar": lambda mx: mx.sym._internal._plus_scalar(x(mx), scalar=True),
    "bool_plus": lambda mx: x(mx) + True,
    "bool_texts": lambda mx: [
        mx.sym.FullyConnected(x(mx), num_hidden=1, no_bias=v) for v in (True, "True", 1, "1", "false", False, 0)
    ],
    "bool_word": lambda mx: mx.sym.FullyConnected(x(mx), num_hidden=1, no_bias="yes"),
    "bool_two": lambda mx: mx.sym.FullyConnected(x(mx), num_hidden=1, no_bias=2),
    "tuple_of_words": lambda mx: mx.sym.Convolution(x(mx), kernel=("a", "b"), num_filter=1),
    "tuple_of_floats": lambda mx: mx.sym.Convolution(x(mx), kernel=(1.5, 2), num_filter=1),
    "number_for_tuple": lambda mx: mx.sym.Convolution(x(mx), kernel=3, num_filter=1),
    "bad_dtype": lambda mx: mx.sym.Cast(x(mx), dtype="complex64"),
    "number_for_input": lambda mx: mx.sym.exp(3.0),
    "array_for_input": lambda mx: mx.sym.exp(np.zeros(3)),
    "text_for_input": lambda mx: mx.sym.exp("x"),
    "list_for_input": lambda mx: mx.sym.exp([x(mx)]),
    "same_input_twice": lambda mx: mx.sym.exp(x(mx), data=x(mx)),
    "unknown_input": lambda mx: mx.sym.exp(dota=x(mx)),
    "too_many_inputs": lambda mx: mx.sym.exp(x(mx), x(mx)),
    "mixed_inputs": lambda mx: mx.sym.FullyConnected(x(mx), weight=3, num_hidden=1),
    "number_keyword_input": lambda mx: mx.sym.FullyConnected(data=3, num_hidden=1),
    "plus_list": lambda mx: x(mx) + [1, 2],
    "plus_text": lambda mx: x(mx) + "a",
    "plus_none": lambda mx: x(mx) + None,
    "plus_array": lambda mx: x(mx) + np.zeros(2),
    "plus_numpy_scalar": lambda mx: x(mx) + np.float32(2),
    "times_numpy_int": lambda mx: x(mx) * np.int64(2),
    "compare_list": lambda mx: x(mx) > [1],
    "maximum_of_numbers": lambda mx: mx.sym.maximum(1, 2),
    "maximum_of_text": lambda mx: mx.sym.maximum(x(mx), "a"),
    "unknown_operator": lambda mx: mx.sym.NoSuchOperator(x(mx)),
    "getitem_of_none": lambda mx: x(mx)[None],
    "json_word": lambda mx: mx.sym.load_json("no json"),
    "json_number": lambda mx: mx.sym.load_json("3"),
    "json_object": lambda mx: mx.sym.load_json("{}"),
    "json_none": lambda mx: mx.sym.load_json(None),
    "file_missing": lambda mx: mx.sym.load("/no/such/file.json"),
    "save_to_number": lambda mx: x(mx).save(3),
    "infer_unknown_name": lambda mx: fc(mx).infer_shape(missing=(2,)),
    "infer_bad_shape": lambda mx: fc(mx).infer_shape(data=(2, 4), fc_weight=(3, 5)),
    "infer_type_unknown_name": lambda mx: fc(mx).infer_type(missing="float32"),
    "infer_mixed_types": lambda mx: fc(mx).infer_type(data="float32", fc_weight="float64"),
    "infer_both_ways": lambda mx: fc(mx).infer_shape((2, 4), data=(2, 4)),
    "bind_missing_key": lambda mx: fc(mx).bind(mx.cpu(), {"data": zeros(mx, 2, 4)}),
    "bind_short_list": lambda mx: fc(mx).bind(mx.cpu(), [zeros(mx, 2, 4)]),
    "bind_extra_key": lambda mx: fc(mx).bind(mx.cpu(), dict(good(mx), other=zeros(mx, 1))),
    "bind_missing_aux": lambda mx: mx.sym.BatchNorm(x(mx), name="b").bind(
        mx.cpu(), {"x": zeros(mx, 2, 3), "b_gamma": zeros(mx, 3), "b_beta": zeros(mx, 3)}
    ),
    "bind_wrong_shape": lambda mx: fc(mx).bind(mx.cpu(), dict(good(mx), fc_bias=zeros(mx, 4))),
    "bind_mixed_dtype": lambda mx: fc(mx).bind(mx.cpu(), dict(good(mx), fc_bias=zeros(mx, 3, dtype="float64"))),
    "bind_text_context": lambda mx: fc(mx).bind("cpu", good(mx)),
    "bind_bad_grad_req": lambda mx: fc(mx).bind(mx.cpu(), good(mx), args_grad=good(mx), grad_req="sometimes"),
    "bind_args_of_numbers": lambda mx: fc(mx).bind(mx.cpu(), [1, 2, 3]),
    "simple_bind_without_shapes": lambda mx: fc(mx).simple_bind(mx.cpu()),
    "simple_bind_bad_shape": lambda mx: fc(mx).simple_bind(mx.cpu(), data=(2, 4), fc_weight=(3, 5)),
    "simple_bind_unknown_keyword": lambda mx: fc(mx).simple_bind(mx.cpu(), data=(2, 4), other=(3,)),
    "simple_bind_word_for_shape": lambda mx: fc(mx).simple_bind(mx.cpu(), data="2,4"),
    "forward_unknown": lambda mx: fc(mx).bind(mx.cpu(), good(mx)).forward(missing=zeros(mx, 1)),
    "forward_wrong_shape": lambda mx: fc(mx).bind(mx.cpu(), good(mx)).forward(data=zeros(mx, 3, 4)),
    "copy_params_unknown": lambda mx: fc(mx).bind(mx.cpu(), good(mx)).copy_params_from({"other": zeros(mx, 1)}),
    "copy_params_unknown_allowed": lambda mx: (
        fc(mx).bind(mx.cpu(), good(mx)).copy_params_from({"other": zeros(mx, 1)}, allow_extra_params=True)
    ),
    "backward_without_heads": lambda mx: trained(mx, "write").backward(),
    "backward_with_heads": lambda mx: trained(mx, "write").backward(zeros(mx, 2, 3)),
    "backward_with_a_number": lambda mx: trained(mx, "write").backward(1.0),
    "reshape_larger": lambda mx: fc(mx).bind(mx.cpu(), good(mx)).reshape(data=(5, 4)),
    "reshape_larger_allowed": lambda mx: fc(mx).bind(mx.cpu(), good(mx)).reshape(data=(5, 4), allow_up_sizing=True),
    "reshape_smaller": lambda mx: fc(mx).bind(mx.cpu(), good(mx)).reshape(data=(1, 4)),
    "eval_missing": lambda mx: fc(mx).eval(mx.cpu(), data=zeros(mx, 2, 4)),
    "eval": lambda mx: fc(mx).eval(mx.cpu(), **good(mx)),
    "array_of_words": lambda mx: mx.nd.array(["a"]),
    "array_of_bad_dtype": lambda mx: mx.nd.zeros((2,), dtype="complex64"),
}


def trained(mx, grad_req):
    bound = fc(mx).simple_bind(mx.cpu(), data=(2, 4), grad_req=grad_req)
    bound.forward(is_train=True)
    return bound


table("errors", {name: lambda mx, call=call: raised(lambda: call(mx)) for name, call in CALLS.items()}, lambda told: told)


@snippet
def error_classes_derive(mx):
    return [c.__name__ for c in mx.MXNetError.__mro__ if c.__name__ in ("MXNetError", "RuntimeError", "Exception")]
