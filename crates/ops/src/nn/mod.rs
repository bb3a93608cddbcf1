//! Layers of neural networks.

family! {
    fully_connected { FullyConnected, FullyConnectedBackward }
}
