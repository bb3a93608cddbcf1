//! Pictures: sampling at free positions, pooling over regions.

family! {
    roi_pooling { RoiPooling, RoiPoolingBackward }
    sampler { GridGenerator, GridGeneratorBackward, BilinearSampler, BilinearSamplerBackward, SpatialTransformer }
}
