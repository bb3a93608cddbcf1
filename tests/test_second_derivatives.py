"""Gradients of gradients, for every operator: they agree with differences of the first ones, or are refused by name."""

import numpy as np
import pytest

import rsym as mx
from oracle.rows import array_of, row_of
from rsym import autograd, nd
from rsym.ndarray._invoke import invoke
from test_registry import EXEMPT, NAMES

# What MXNet 1.9.1 differentiates twice.
MXNET = """
FullyConnected _contrib_div_sqrt_dim _copy _image_flip_left_right _image_flip_top_bottom _minus_scalar _plus_scalar
_rminus_scalar abs add_n arccos arccosh arcsin arcsinh arctan arctanh batch_dot cbrt clip cos cosh depth_to_space
elemwise_add exp expm1 gather_nd log log10 log1p log2 negative radians rcbrt reciprocal relu rsqrt scatter_nd sigmoid sin
sinh space_to_depth sqrt square tan tanh transpose
""".split()

# Operators whose gradient has no gradient, neither here nor in MXNet.
ONCE = """
BatchNorm BatchNorm_v1 BilinearSampler Convolution Convolution_v1 Correlation Crop Deconvolution GridGenerator
GroupNorm InstanceNorm L2Normalization LRN LayerNorm Pad Pooling Pooling_v1 RNN ROIPooling SequenceLast
SpatialTransformer UpSampling _contrib_AdaptiveAvgPooling2D _contrib_BatchNormWithReLU _contrib_BilinearResize2D
_contrib_DeformableConvolution _contrib_DeformablePSROIPooling _contrib_ModulatedDeformableConvolution
_contrib_PSROIPooling _contrib_ROIAlign _contrib_SyncBatchNorm _contrib_box_nms _contrib_count_sketch
_contrib_interleaved_matmul_encdec_qk _contrib_interleaved_matmul_encdec_valatt _contrib_interleaved_matmul_selfatt_qk
_contrib_interleaved_matmul_selfatt_valatt _image_crop _linalg_det _linalg_gelqf _linalg_slogdet _linalg_sumlogdiag
_np_cumsum _random_pdf_dirichlet _random_pdf_exponential _random_pdf_gamma _random_pdf_generalized_negative_binomial
_random_pdf_negative_binomial _random_pdf_normal _random_pdf_poisson _random_pdf_uniform diag gamma gammaln im2col
moments nanprod norm pick prod repeat softmax_cross_entropy sort tile topk
""".split()


def called(name, inputs, aux, params):
    """The outputs of an operator that have a floating point type."""
    found = invoke(name, tuple(inputs + aux), params, None, {})
    outputs = found if isinstance(found, list) else [found]
    return [output for output in outputs if np.issubdtype(output.dtype, np.floating)]


class Case:
    """An operator behind which a sigmoid makes something bent of what is linear."""

    def __init__(self, name):
        self.name, rng = name, np.random.RandomState(len(name))
        inputs, grad, aux, self.params = row_of(name)
        self.values = [np.array(array_of(given, rng), dtype="float64") for given in inputs]
        self.wanted = list(range(len(inputs))) if grad is None else grad
        self.aux = [nd.array(a, dtype="float64") for a in aux or ()]
        self.ways = [rng.uniform(0.5, 1.5, self.values[i].shape) for i in self.wanted]

    def slopes(self, arrays):
        """The sum of all elements of all first derivatives, each with a weight of its own; to be recorded."""
        wanted = [arrays[i] for i in self.wanted]
        heads = [nd.sigmoid(output) for output in called(self.name, arrays, self.aux, self.params)]
        weights = [nd.array(np.linspace(0.5, 1.5, head.size).reshape(head.shape), dtype="float64") for head in heads]
        found = autograd.grad(heads, wanted, weights, create_graph=True)
        return sum((nd.cos(dx + 1) + 0 * x).sum() for dx, x in zip(found, wanted))

    def moved(self, step):
        """The sum with every input `step` further along its way."""
        values = list(self.values)
        for i, way in zip(self.wanted, self.ways):
            values[i] = values[i] + step * way
        arrays = self.arrays(values)
        with autograd.record():
            return float(self.slopes(arrays).asscalar())

    def arrays(self, values):
        arrays = [nd.array(v, dtype="float64") for v in values]
        for i in self.wanted:
            arrays[i].attach_grad()
        return arrays

    def derivative(self):
        """The derivative of the sum along the way, from the second derivatives."""
        arrays = self.arrays(self.values)
        with autograd.record():
            total = self.slopes(arrays)
        total.backward()
        return sum(float((arrays[i].grad.asnumpy() * way).sum()) for i, way in zip(self.wanted, self.ways))


# Operators that give whole numbers alone, with the parameters that the registry's test has for them.
WHOLE = ("Cast", "_contrib_index_array", "shape_array", "size_array")
DIFFERENTIABLE = [name for name in NAMES if name not in EXEMPT and name not in WHOLE]


@pytest.mark.parametrize("name", [name for name in DIFFERENTIABLE if name not in ONCE])
def test_second_derivatives_agree_with_differences(name):
    case, step = Case(name), 1e-5
    expected = (case.moved(step) - case.moved(-step)) / (2 * step)
    np.testing.assert_allclose(case.derivative(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ONCE)
def test_what_is_differentiated_once_says_so(name):
    with pytest.raises(mx.MXNetError, match="the operator has no gradient"):
        Case(name).derivative()


def test_what_mxnet_differentiates_twice_rsym_does():
    assert not set(MXNET) - set(DIFFERENTIABLE)
    assert not set(MXNET) & set(ONCE)
    assert not set(ONCE) - set(DIFFERENTIABLE)
