"""Contributed and image operators where recordings of MXNet do not reach: shapes from values, random pictures, types."""

import numpy as np
import pytest

import rsym as mx


def test_boolean_mask_makes_arrays_of_as_many_rows_as_it_selects():
    data = mx.nd.array(np.arange(6).reshape(3, 2))
    assert mx.nd.contrib.boolean_mask(data, mx.nd.array([0, 1, -2])).asnumpy().tolist() == [[2, 3], [4, 5]]
    assert mx.nd.contrib.boolean_mask(data, mx.nd.array([0, 0, 0])).shape == (0, 2)
    whole = mx.nd.array([[1], [2]], dtype="int32")
    masked = mx.nd.contrib.boolean_mask(whole, mx.nd.array([1, 0], dtype="uint8"))
    assert masked.dtype == np.int32 and masked.asnumpy().tolist() == [[1]]


def test_boolean_mask_refuses_what_does_not_fit_in_words():
    data = mx.nd.array(np.arange(6).reshape(3, 2))
    with pytest.raises(mx.MXNetError, match="index"):
        mx.nd.contrib.boolean_mask(data, mx.nd.array([0, 1]))
    with pytest.raises(mx.MXNetError, match="axis"):
        mx.nd.contrib.boolean_mask(data, mx.nd.array([0, 1]), axis=1)


def test_a_graph_with_boolean_mask_is_bound_and_follows_the_values():
    mask = mx.sym.contrib.boolean_mask(mx.sym.Variable("data"), mx.sym.Variable("index"))
    assert mask.infer_shape_partial(data=(3, 2))[1] == [(0, 2)]
    arrays = {"data": mx.nd.array(np.arange(6).reshape(3, 2)), "index": mx.nd.array([0, 1, 1])}
    executor = (mask * 2).bind(mx.cpu(), arrays)
    assert executor.forward()[0].asnumpy().tolist() == [[4, 6], [8, 10]]
    arrays["index"][:] = [1, 0, 0]
    assert executor.forward()[0].asnumpy().tolist() == [[0, 2]]


def test_allclose_is_a_scalar():
    x = mx.nd.array([1, 2, 3])
    close = mx.nd.contrib.allclose(x, x + 1e-7)
    assert close.shape == () and close.dtype == np.uint8 and close.asnumpy() == 1
    assert mx.nd.contrib.allclose(x, x + 1).asnumpy() == 0


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_attention_of_other_types_is_that_of_float32(dtype):
    qkv = np.random.RandomState(0).uniform(-1, 1, (4, 2, 12))
    scores = mx.nd.contrib.interleaved_matmul_selfatt_qk(mx.nd.array(qkv, dtype=dtype), heads=2)
    want = mx.nd.contrib.interleaved_matmul_selfatt_qk(mx.nd.array(qkv), heads=2)
    assert np.dtype(scores.dtype) == dtype
    np.testing.assert_allclose(scores.asnumpy(), want.asnumpy(), rtol=1e-2, atol=2e-3)


PICTURE = np.random.RandomState(1).randint(0, 256, (6, 8, 3)).astype("uint8")
RANDOM = {
    "random_brightness": dict(min_factor=0.5, max_factor=1.5),
    "random_contrast": dict(min_factor=0.5, max_factor=1.5),
    "random_saturation": dict(min_factor=0.5, max_factor=1.5),
    "random_hue": dict(min_factor=0.1, max_factor=0.4),
    "random_lighting": dict(alpha_std=0.3),
    "random_color_jitter": dict(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.2),
    "random_flip_left_right": {},
    "random_flip_top_bottom": {},
}


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_random_pictures_repeat_with_the_seed(name, dtype):
    change = getattr(mx.nd.image, name)
    picture = mx.nd.array(PICTURE, dtype=dtype)

    def drawn():
        mx.random.seed(3)
        return [change(picture, **RANDOM[name]).asnumpy() for _ in range(12)]

    first = drawn()
    assert all(one.shape == PICTURE.shape and one.dtype == dtype for one in first)
    np.testing.assert_array_equal(first, drawn())
    assert len({one.tobytes() for one in first}) > 1
    np.testing.assert_array_equal(picture.asnumpy(), PICTURE)


def test_a_random_flip_turns_its_gradient_with_the_picture():
    data = mx.sym.Variable("data")
    bound = mx.sym.image.random_flip_left_right(data).simple_bind(mx.cpu(), data=(2, 3, 1))
    x = mx.nd.array(np.arange(6).reshape(2, 3, 1))
    seen = set()
    for _ in range(30):
        out = bound.forward(is_train=True, data=x)[0].asnumpy()
        bound.backward(mx.nd.array(out))
        np.testing.assert_array_equal(bound.grad_dict["data"].asnumpy(), x.asnumpy())
        seen.add(out.tobytes())
    assert len(seen) == 2


def test_pictures_without_pixels_stay_without_pixels():
    empty = mx.nd.zeros((0, 4, 3))
    for change in (mx.nd.image.flip_left_right, mx.nd.image.flip_top_bottom):
        assert change(empty).shape == (0, 4, 3)
    assert mx.nd.image.to_tensor(empty).shape == (3, 0, 4)
    assert mx.nd.contrib.index_array(empty).shape == (0, 4, 3, 3)
    assert mx.nd.contrib.AdaptiveAvgPooling2D(mx.nd.zeros((0, 2, 4, 4)), output_size=2).shape == (0, 2, 2, 2)


def test_gradients_of_pictures_lead_back_to_their_pixels():
    x = np.random.RandomState(0).uniform(50, 200, (3, 4, 3))
    data = mx.sym.Variable("data")
    mx.test_utils.check_numeric_gradient(mx.sym.image.to_tensor(data), [x], numeric_eps=1.0, rtol=1e-3, atol=1e-4)
    light = mx.sym.image.adjust_lighting(data, alpha=(0.1, 0.2, 0.3))
    mx.test_utils.check_numeric_gradient(light, [x], numeric_eps=1.0, rtol=1e-3, atol=1e-3)
