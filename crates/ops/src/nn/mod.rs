//! Layers of neural networks.

family! {
    activation { Activation, ActivationBackward }
    fully_connected { FullyConnected, FullyConnectedBackward }
}
