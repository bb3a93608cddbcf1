//! Elements by position, by condition, by order and by the length of sequences.

pub(crate) mod positions;

family! {
    histogram { Histogram }
    nd { GatherNd, GatherNdBackward, ScatterNd }
    one_hot { OneHot }
    order { Sort, ArgSort, TopK, TopKBackward }
    pick { Pick, PickBackward, FillElement0Index }
    ravel { RavelMultiIndex, UnravelIndex }
    select { Where, WhereBackward }
    sequence { SequenceMask, SequenceLast, SequenceLastBackward, SequenceReverse }
    take { Take, TakeBackward, BatchTake }
}
