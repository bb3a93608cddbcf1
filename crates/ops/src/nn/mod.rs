//! Layers of neural networks.

pub(crate) mod spatial;

family! {
    activation { Activation, ActivationBackward }
    batch_norm { BatchNorm, BatchNormV1 }
    batch_norm_spec { BatchNormBackward }
    conv_spec { ConvolutionBackward }
    convolution { Convolution, ConvolutionV1 }
    crop { Crop, CropBackward }
    deconvolution { Deconvolution }
    dropout { Dropout, DropoutBackward }
    embedding { Embedding, EmbeddingBackward }
    fully_connected { FullyConnected, FullyConnectedBackward }
    group_norm { GroupNorm, GroupNormBackward, InstanceNorm }
    im2col { Col2im, Im2col, Im2colBackward }
    l2_normalization { L2Normalization, L2NormalizationBackward }
    layer_norm { LayerNorm, LayerNormBackward }
    leaky_relu { EluBackward, LeakyRelu, LeakyReluBackward, PreluBackward, PreluGammaBackward }
    lrn { Lrn, LrnBackward }
    pool_spec { PoolingBackward }
    pooling { Pooling, PoolingV1 }
    refused_gradient { RefusedGradient }
    rnn { Rnn, RnnBackward }
    softmax { LogSoftmax, Softmax, Softmin }
    softmax_activation { SoftmaxActivation }
    softmax_spec { SoftmaxBackward }
    up_sampling { UpSampling, UpSamplingBackward }
}
