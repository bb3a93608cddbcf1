//! Operators of the `contrib` namespace that belong to no other family.

family! {
    adaptive_avg_pooling { AdaptiveAvgPooling2D, AdaptiveAvgPooling2DBackward }
    allclose { Allclose }
    batch_norm_with_relu { BatchNormWithRelu }
    bilinear_resize { BilinearResize2D, BilinearResize2DBackward }
    boolean_mask { BooleanMask, BooleanMaskBackward }
    gradient_multiplier { GradientMultiplier }
    index_array { IndexArray }
    index_copy { IndexCopy }
    interleaved_attention { SelfAttentionScores, CrossAttentionScores, AttentionScoresBackward }
    interleaved_values { SelfAttentionValues, CrossAttentionValues, AttentionValuesBackward }
    quadratic { Quadratic }
    sparse_embedding { SparseEmbedding }
    straight_through { RoundSte, SignSte }
    sync_batch_norm { SyncBatchNorm }
}
