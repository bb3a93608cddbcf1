//! Rearranging: shapes, axes, cutting, joining, repeating. No operator here computes anything but sums of gradients.

pub(crate) mod moves;
mod reshape_codes;
mod window;

family! {
    axes { ExpandDims, Squeeze, SwapAxis, Transpose }
    concat { Concat, RnnParamConcat, ConcatBackward }
    depth { DepthToSpace, SpaceToDepth }
    diag { Diag, DiagBackward }
    pad { Pad, PadBackward }
    repeat { Tile, TileBackward, Repeat, RepeatBackward }
    reshape { Reshape, Flatten }
    reshape_like { ReshapeLike }
    restore { Restore }
    reverse { Reverse }
    sizes { ShapeArray, SizeArray }
    slice { Slice, SliceBackward, SliceAxis, SliceAxisBackward, SliceLike, SliceLikeBackward }
    slice_assign { SliceAssign, SliceAssignScalar }
    split { SliceChannel, SplitV2 }
    stack { Stack }
}
