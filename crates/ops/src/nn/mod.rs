//! Layers of neural networks.

mod spatial;

family! {
    activation { Activation, ActivationBackward }
    batch_norm { BatchNorm, BatchNormV1 }
    batch_norm_spec { BatchNormBackward }
    conv_spec { ConvolutionBackward }
    convolution { Convolution, ConvolutionV1 }
    deconvolution { Deconvolution }
    fully_connected { FullyConnected, FullyConnectedBackward }
    pool_spec { PoolingBackward }
    pooling { Pooling, PoolingV1 }
    softmax { LogSoftmax, Softmax, Softmin }
    softmax_activation { SoftmaxActivation }
    softmax_spec { SoftmaxBackward }
}
