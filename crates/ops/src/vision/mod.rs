//! Pictures: sampling at free positions, pooling over regions, detection of objects.

use rsym_graph::enum_param;
use rsym_kernels::vision::boxes::BoxFormat;

family! {
    bipartite_matching { BipartiteMatching }
    box_coding { BoxEncode, BoxDecode }
    box_iou { BoxIou }
    box_nms { BoxNms, BoxNmsBackward }
    correlation { Correlation }
    deformable_convolution { DeformableConvolution, ModulatedDeformableConvolution }
    deformable_psroi_pooling { DeformablePsRoiPooling }
    multibox_detection { MultiBoxDetection }
    multibox_prior { MultiBoxPrior }
    multibox_target { MultiBoxTarget }
    proposal { Proposal, MultiProposal }
    psroi_pooling { PsRoiPooling, PsRoiPoolingBackward }
    roi_align { RoiAlign, RoiAlignBackward }
    roi_pooling { RoiPooling, RoiPoolingBackward }
    rroi_align { RotatedRoiAlign }
    sampler { GridGenerator, GridGeneratorBackward, BilinearSampler, BilinearSamplerBackward, SpatialTransformer }
}

enum_param! {
    /// What the four numbers of a box are.
    pub enum Format { Corner = "corner", Center = "center" }
}

impl Format {
    fn boxes(self) -> BoxFormat {
        match self {
            Format::Corner => BoxFormat::Corner,
            Format::Center => BoxFormat::Center,
        }
    }
}
