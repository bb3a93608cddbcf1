//! Layers of neural networks.

mod spatial;

family! {
    activation { Activation, ActivationBackward }
    conv_spec { ConvolutionBackward }
    convolution { Convolution, ConvolutionV1 }
    deconvolution { Deconvolution }
    fully_connected { FullyConnected, FullyConnectedBackward }
}
