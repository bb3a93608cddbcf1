"""Detection of objects: anchors, boxes, regions, correlation and deformable convolution."""

from .table import also, but, case, f, pos, unit, v


def double(cases):
    return also(cases, "float64")


def prior(*shape, **params):
    return case("_contrib_MultiBoxPrior", dict(data=f(*shape)), **params)


PRIOR = [
    prior(1, 2, 3, 4),
    prior(2, 1, 2, 3, sizes=(0.5, 0.25, 0.3), ratios=(1, 2, 0.5)),
    prior(1, 1, 3, 2, sizes=(0.9,), ratios=(2, 1), clip=True),
    prior(1, 1, 2, 2, sizes=(0.3, 0.2), steps=(0.25, 0.4), offsets=(0.1, 0.9)),
    prior(1, 1, 2, 2, sizes=0.4, steps=(-1, -0.5)),
    prior(1, 2, 3),
    prior(1, 1, 2, 2, sizes=()),
    prior(1, 1, 2, 2, steps=(0.1,)),
    prior(1, 1, 2, 2, steps=(0.1, -1)),
    prior(1, 1, 2, 2, offsets=(0.5, 1.5)),
]

ANCHORS = [
    [0.1, 0.1, 0.4, 0.4],
    [0.1, 0.1, 0.5, 0.4],
    [0.6, 0.6, 0.9, 0.9],
    [0.1, 0.7, 0.3, 0.9],
    [0.55, 0.5, 0.95, 0.95],
    [0.0, 0.0, 0.2, 0.2],
]
NONE = [-1, -1, -1, -1, -1]
LABELS = [
    [[2, 0.1, 0.1, 0.42, 0.38], [0, 0.55, 0.55, 0.9, 0.95], NONE],
    [[1, 0.12, 0.65, 0.33, 0.9], NONE, NONE],
    [NONE, NONE, NONE],
]


def target(labels=LABELS, anchors=ANCHORS, **params):
    inputs = dict(anchor=v([anchors]), label=v(labels), cls_pred=f(len(labels), 4, len(anchors)))
    one = case("_contrib_MultiBoxTarget", inputs, **params)
    return but(one, no_grad=("anchor", "label"))  # MXNet leaves these gradients unwritten


TARGET = [
    target(),
    target(overlap_threshold=0.2),
    target(overlap_threshold=0),
    target(overlap_threshold=0.3, variances=(1, 1, 0.5, 0.25)),
    target(negative_mining_ratio=1, negative_mining_thresh=0.3),
    target(negative_mining_ratio=2, ignore_label=-7),
    target(negative_mining_ratio=0.5, negative_mining_thresh=0.9, minimum_negative_samples=4),
    target(variances=(1, 1)),
    target(negative_mining_ratio=1, negative_mining_thresh=-1),
    target(negative_mining_ratio=100, negative_mining_thresh=0.01),
    but(target(), inputs=dict(anchor=v([ANCHORS]), label=f(2, 1, 4), cls_pred=f(2, 4, 6)), label="narrow"),
    but(target(), inputs=dict(anchor=v([ANCHORS]), label=f(2, 1, 5), cls_pred=f(2, 4, 5)), label="anchors"),
]


def detection(batch=2, classes=4, anchors=ANCHORS, **params):
    count = len(anchors)
    inputs = dict(cls_prob=pos(batch, classes, count), loc_pred=f(batch, 4 * count), anchor=v([anchors]))
    return case("_contrib_MultiBoxDetection", inputs, **params)


NEAR = [[0.1, 0.1, 0.5, 0.5], [0.12, 0.1, 0.52, 0.5], [0.1, 0.15, 0.5, 0.55], [0.5, 0.5, 0.9, 0.9], [0.52, 0.5, 0.9, 0.95]]
DETECTION = [
    detection(),
    detection(anchors=NEAR),
    detection(anchors=NEAR, force_suppress=True),
    detection(anchors=NEAR, nms_threshold=0.7, clip=False),
    detection(anchors=NEAR, nms_threshold=0, threshold=1.2),
    detection(anchors=NEAR, nms_topk=2, force_suppress=True, nms_threshold=0.3),
    detection(variances=(0.2, 0.3, 0.1, 0.4), threshold=1.5),
    detection(threshold=3),
    detection(classes=2, nms_threshold=1.5),
    detection(variances=(1,)),
    but(detection(), inputs=dict(cls_prob=pos(2, 3, 5), loc_pred=f(2, 20), anchor=v([ANCHORS])), label="anchors"),
]

ROWS = [
    [0, 0.5, 0.1, 0.1, 0.2, 0.2],
    [1, 0.4, 0.1, 0.1, 0.2, 0.2],
    [0, 0.3, 0.1, 0.1, 0.14, 0.14],
    [2, 0.6, 0.5, 0.5, 0.7, 0.8],
    [0, 0.5, 0.11, 0.1, 0.21, 0.2],
]
SIGNED = [[0.9, -2, 1, 4, 5], [0.8, 1, 1, 4, 5], [0.7, 1.5, 1, 4, 5.5], [-0.1, 8, 8, 9, 9]]
MIDDLE = [[0.5, 0.5, 0.2, 0.2, 0.9, 1], [0.55, 0.5, 0.2, 0.2, 0.8, 1], [0.55, 0.5, 0.2, 0.3, 0.7, 0], [2, 2, 1, 1, 0.95, 3]]


def nms(rows, **params):
    return case("_contrib_box_nms", dict(data=v(rows)), **params)


PLAIN = dict(coord_start=1, score_index=0)
CENTER = dict(coord_start=0, score_index=4, id_index=5, in_format="center")
NMS = double(
    [
        nms(ROWS),
        nms(ROWS, overlap_thresh=0.1, id_index=0),
        nms(ROWS, overlap_thresh=0.1, id_index=0, force_suppress=True),
        nms([ROWS, ROWS[::-1]], overlap_thresh=0.1, topk=3, id_index=0),
        nms([[ROWS], [ROWS[::-1]]], overlap_thresh=0.7, valid_thresh=0.35, id_index=0, background_id=1),
        nms(ROWS, topk=0),
        nms(ROWS, topk=0, out_format="center"),
        nms(ROWS, valid_thresh=2),
        nms(SIGNED, **PLAIN),
        nms(SIGNED, out_format="center", **PLAIN),
        nms(SIGNED, valid_thresh=-1, overlap_thresh=0.9, **PLAIN),
        nms(MIDDLE, **CENTER),
        nms(MIDDLE, out_format="center", overlap_thresh=0.3, force_suppress=True, **CENTER),
        nms(MIDDLE, background_id=3, **CENTER),
    ]
) + [
    but(nms(ROWS, overlap_thresh=0.1), add=("data",), undefined="MXNet overwrites a gradient that is to be added"),
    nms([0.5, 0.1, 0.1, 0.2, 0.2]),
    nms([[0.5, 0.1, 0.1, 0.2]]),
    nms(ROWS, coord_start=3),
    nms(ROWS, score_index=2),
    nms(ROWS, id_index=1),
    nms(ROWS, score_index=6),
    nms(ROWS, in_format="middle"),
]

BOXES, OTHERS = [[0.5, 0.5, 1, 1], [0, 0, 0.5, 0.5], [0.3, 0.2, 0.1, 0.7]], [[0.25, 0.25, 0.75, 0.75], [0.4, 0.1, 0.9, 0.6]]
IOU = double(
    [
        case("_contrib_box_iou", dict(lhs=v(BOXES), rhs=v(OTHERS))),
        case("_contrib_box_iou", dict(lhs=v(BOXES), rhs=v(OTHERS)), format="center"),
        case("_contrib_box_iou", dict(lhs=v([BOXES]), rhs=v([[OTHERS]])), format="corner"),
    ]
) + [
    case("_contrib_box_iou", dict(lhs=f(3, 5), rhs=f(2, 4))),
    case("_contrib_box_iou", dict(lhs=f(4), rhs=f(2, 4))),
]

SCORES = [[0.5, 0.6, 0.1], [0.1, 0.2, 0.55], [0.3, 0.4, 0.45], [0.05, 0.7, 0.1]]
MATCHING = double(
    [
        case("_contrib_bipartite_matching", dict(data=v(scores)), **params)
        for scores in (SCORES, [SCORES, SCORES[::-1]])
        for params in (
            dict(threshold=1e-12),
            dict(threshold=0.45),
            dict(threshold=0.35, is_ascend=True),
            dict(threshold=1e-12, topk=1),
            dict(threshold=1e-12, topk=2),
            dict(threshold=1e-12, topk=0),
        )
    ]
) + [case("_contrib_bipartite_matching", dict(data=f(3)), threshold=1), case("_contrib_bipartite_matching", dict(data=f(3, 2)))]

CODING = double(
    [
        case(
            "_contrib_box_encode",
            dict(
                samples=v([[1, -1, 1], [0, 1, 1]]),
                matches=v([[0, 1, 1], [1, 0, 1]]),
                anchors=v([ANCHORS[:3], ANCHORS[3:]]),
                refs=v([BOXES[:2], OTHERS]),
                means=v([0.1, 0, -0.1, 0.2]),
                stds=v([0.1, 0.1, 0.2, 0.2]),
            ),
        ),
        case("_contrib_box_decode", dict(data=f(2, 3, 4), anchors=v([BOXES]))),
        case("_contrib_box_decode", dict(data=f(2, 3, 4), anchors=v([BOXES])), format="corner", std0=0.1, std1=0.2, std2=0.3),
        case("_contrib_box_decode", dict(data=f(2, 3, 4), anchors=v([BOXES])), clip=0.3, std3=2),
    ]
) + [case("_contrib_box_decode", dict(data=f(2, 3, 5), anchors=f(1, 3, 4)))]


def proposal(op="_contrib_Proposal", batch=1, scales=(2, 4), ratios=(0.5, 1, 2), pixels=(3, 4), info=(48, 64, 1), **params):
    count = len(scales) * len(ratios)
    inputs = dict(
        cls_prob=pos(batch, 2 * count, *pixels),
        bbox_pred=unit(batch, 4 * count, *pixels),
        im_info=v([info] * batch),
    )
    return case(op, inputs, scales=scales, ratios=ratios, **params)


PROPOSAL = [
    proposal(rpn_post_nms_top_n=12),
    proposal(rpn_post_nms_top_n=8, output_score=True, threshold=0.3, rpn_min_size=4),
    proposal(rpn_post_nms_top_n=9, rpn_pre_nms_top_n=6, output_score=True),
    proposal(rpn_post_nms_top_n=6, iou_loss=True, output_score=True, threshold=0.5),
    proposal(rpn_post_nms_top_n=6, feature_stride=8, info=(20, 30, 0.5), output_score=True),
    proposal(rpn_post_nms_top_n=5, rpn_min_size=40, output_score=True),
    proposal("_contrib_MultiProposal", batch=2, rpn_post_nms_top_n=7, output_score=True, threshold=0.4),
    proposal("_contrib_MultiProposal", batch=2, rpn_post_nms_top_n=4, rpn_pre_nms_top_n=20, info=(40, 50, 1)),
    proposal(batch=2, rpn_post_nms_top_n=4),
    proposal(rpn_post_nms_top_n=4, info=(100, 64, 1)),
]
PROPOSAL = [but(one, no_grad=("cls_prob", "bbox_pred", "im_info")) for one in PROPOSAL]

ROIS = [[0, 0, 0, 4, 4], [1, 1.3, 2.7, 9.1, 5.2], [0, 3, 1, 3, 1], [1, -3, -2, 20, 17], [0, 5.5, 4.5, 6, 8]]


def regions(op, channels=4, rois=ROIS, size=(7, 8), **params):
    inputs = dict(data=f(2, channels, *size), rois=v(rois))
    return case(op, inputs, **params)


ALIGN = double(
    [
        regions("_contrib_ROIAlign", pooled_size=(2, 2), spatial_scale=1.0),
        regions("_contrib_ROIAlign", pooled_size=(3, 2), spatial_scale=0.5, sample_ratio=2),
        regions("_contrib_ROIAlign", pooled_size=(2, 1), spatial_scale=0.25, sample_ratio=3),
        regions("_contrib_ROIAlign", pooled_size=(2, 2), spatial_scale=0.7, position_sensitive=True),
        regions("_contrib_ROIAlign", 6, pooled_size=(1, 3), spatial_scale=1.0, position_sensitive=True, sample_ratio=2),
        regions("_contrib_ROIAlign", rois=ROIS[:2] + ROIS[3:], pooled_size=(2, 2), spatial_scale=0.8, aligned=True),
        regions("_contrib_ROIAlign", rois=[ROIS[1]], pooled_size=(2, 3), spatial_scale=1.0, aligned=True, sample_ratio=1),
    ]
) + [
    but(regions("_contrib_ROIAlign", pooled_size=(2, 2), spatial_scale=1.0), add=("data",)),
    regions("_contrib_ROIAlign", pooled_size=(2,), spatial_scale=1.0),
    regions("_contrib_ROIAlign", pooled_size=(0, 2), spatial_scale=1.0),
    regions("_contrib_ROIAlign", pooled_size=(2, 2), spatial_scale=1.5),
    regions("_contrib_ROIAlign", rois=[[0, 1, 2, 3]], pooled_size=(2, 2), spatial_scale=1.0),
    regions("_contrib_ROIAlign", 3, pooled_size=(2, 2), spatial_scale=1.0, position_sensitive=True),
]

TURNED = [[0, 3, 3, 4, 2, 0], [1, 3.5, 3.2, 5, 3, 30], [0, 2, 4, 3, 6, -75.5], [1, 0, 0, 4, 4, 45], [0, 9, 9, 1, 0.5, 180]]
ROTATED = [
    but(one, forward_only="MXNet has no gradient")
    for one in double(
        [
            regions("_contrib_RROIAlign", rois=TURNED, pooled_size=(2, 2), spatial_scale=1.0),
            regions("_contrib_RROIAlign", rois=TURNED, pooled_size=(2, 3), spatial_scale=0.5, sampling_ratio=2),
        ]
    )
] + [regions("_contrib_RROIAlign", pooled_size=(2, 2), spatial_scale=1.0)]

SENSITIVE = double(
    [
        regions("_contrib_PSROIPooling", 8, spatial_scale=1.0, output_dim=2, pooled_size=2),
        regions("_contrib_PSROIPooling", 9, spatial_scale=0.5, output_dim=1, pooled_size=4, group_size=3),
        regions("_contrib_PSROIPooling", 8, spatial_scale=0.25, output_dim=2, pooled_size=3, group_size=2),
    ]
) + [
    regions("_contrib_PSROIPooling", 8, spatial_scale=2.0, output_dim=2, pooled_size=2),
    regions("_contrib_PSROIPooling", 8, rois=[[0, 1, 2, 3]], spatial_scale=1.0, output_dim=2, pooled_size=2),
]


def moved(channels, trans, **params):
    inputs = dict(data=f(2, channels, 7, 8), rois=v(ROIS))
    if trans:
        inputs["trans"] = f(len(ROIS), *trans)
    return case("_contrib_DeformablePSROIPooling", inputs, **params)


SHARED = dict(spatial_scale=0.5, output_dim=2, pooled_size=2)
MOVED = double(
    [
        moved(8, None, group_size=2, no_trans=True, **SHARED),
        moved(8, (2, 2, 2), group_size=2, trans_std=0.1, sample_per_part=2, **SHARED),
        moved(2, (4, 2, 2), group_size=1, trans_std=0.2, sample_per_part=3, **SHARED),
        moved(
            8,
            (4, 3, 3),
            group_size=2,
            part_size=3,
            trans_std=0.1,
            sample_per_part=2,
            spatial_scale=1.0,
            output_dim=2,
            pooled_size=3,
        ),
    ]
)


def correlation(*shape, **params):
    return case("Correlation", dict(data1=f(*shape), data2=f(*shape)), **params)


CORRELATION = double(
    [
        correlation(1, 2, 4, 5),
        correlation(2, 3, 5, 4, kernel_size=1, max_displacement=2, pad_size=2, stride2=2),
        correlation(1, 2, 7, 6, kernel_size=3, max_displacement=1, stride1=2, pad_size=2),
        correlation(1, 2, 5, 6, kernel_size=3, max_displacement=3, stride1=1, stride2=2, pad_size=4, is_multiply=False),
        correlation(1, 3, 5, 6, max_displacement=4, stride1=2, stride2=3, pad_size=4),
        correlation(2, 1, 4, 4, max_displacement=0, is_multiply=False),
    ]
) + [
    but(correlation(1, 2, 4, 4, pad_size=1), add=("data1", "data2")),
    correlation(1, 2, 4, 4, kernel_size=2, max_displacement=1, pad_size=1),
    correlation(1, 2, 4, 4, max_displacement=5),
    correlation(2, 4, 4),
]


def deformable(shape, offset, mask=None, **params):
    name = "_contrib_DeformableConvolution" if mask is None else "_contrib_ModulatedDeformableConvolution"
    inputs = dict(data=f(*shape), offset=f(*offset))
    if mask:
        inputs["mask"] = f(*mask)
    one = case(name, inputs, **params)
    return but(one, forward_only="MXNet has this gradient on the GPU alone") if mask else one


PAIRS = dict(num_group=2, num_deformable_group=2)
DEFORMABLE = double(
    [
        deformable((1, 2, 5, 4), (1, 18, 3, 2), kernel=(3, 3), num_filter=3),
        deformable((2, 4, 5, 5), (2, 24, 3, 6), kernel=(3, 2), num_filter=4, pad=(1, 1), stride=(2, 1), **PAIRS),
        deformable((1, 4, 6, 6), (1, 8, 6, 6), kernel=(2, 2), num_filter=2, dilate=(2, 2), pad=(1, 1), no_bias=True),
        deformable((2, 2, 4, 4), (2, 2, 4, 4), kernel=(1, 1), num_filter=2),
        deformable((1, 2, 5, 4), (1, 18, 3, 2), (1, 9, 3, 2), kernel=(3, 3), num_filter=3),
        deformable((2, 4, 5, 5), (2, 24, 3, 6), (2, 12, 3, 6), kernel=(3, 2), num_filter=4, pad=(1, 1), stride=(2, 1), **PAIRS),
        deformable(
            (2, 2, 6, 6), (2, 8, 6, 6), (2, 4, 6, 6), kernel=(2, 2), num_filter=2, dilate=(2, 2), pad=(1, 1), no_bias=True
        ),
    ]
) + [
    deformable((1, 2, 5, 4), (1, 18, 3, 2), kernel=(3, 3), num_filter=3, num_group=2),
    deformable((1, 2, 5, 4), (1, 18, 3, 3), kernel=(3, 3), num_filter=3),
    deformable((1, 2, 5, 4), (1, 9, 3, 2), kernel=(3, 3), num_filter=3),
    deformable((1, 2, 5), (1, 18, 3), kernel=(3,), num_filter=3),
    deformable((1, 2, 5, 4), (1, 18, 3, 2), (1, 8, 3, 2), kernel=(3, 3), num_filter=3),
]

CASES = (
    PRIOR
    + TARGET
    + DETECTION
    + NMS
    + IOU
    + MATCHING
    + CODING
    + PROPOSAL
    + ALIGN
    + ROTATED
    + SENSITIVE
    + MOVED
    + CORRELATION
    + DEFORMABLE
)
