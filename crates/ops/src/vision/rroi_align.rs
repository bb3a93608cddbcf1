//! `_contrib_RROIAlign`: mean of bilinear samples over rotated regions (J. Ma et al., "Arbitrary-Oriented Scene Text Detection via
//! Rotation Proposals", 2018). Like MXNet's, it has no gradient.

use super::roi_align::pooled;
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::vision::align::{Alignment, RegionKind, roi_align};
use rsym_tensor::{Float, PartialShape, dispatch_float};

operator! {
    /// Divides each rotated region of interest into bins and takes the mean of bilinear samples of each bin.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (n, c, h, w) | float |
    /// | rois | (r, 6): number of the picture, centre x, centre y, width, height, angle in degrees | that of data |
    /// | output | (r, c, rows, columns) | that of data |
    ///
    /// Regions are at least one pixel wide and high. Samples more than a pixel outside of the picture count as 0, and regions of
    /// pictures that do not exist give 0. A bin has at most 1024 samples along an axis. There is no gradient.
    ///
    /// Source: J. Ma et al., "Arbitrary-Oriented Scene Text Detection via Rotation Proposals", 2018.
    #[check(|op: &RotatedRoiAlign| pooled(&op.pooled_size).map(|_| ()))]
    pub struct RotatedRoiAlign("_contrib_RROIAlign") {
        inputs { data: "The pictures.", rois: "The rotated regions of interest." }
        params {
            /// Number of bins: rows and columns.
            pooled_size: Tuple,
            /// Pixels of data for one unit of the regions, from 0 to 1.
            #[range(0.0..=1.0)]
            spatial_scale: f32,
            /// Samples of a bin along each axis; by default one for each pixel.
            sampling_ratio: i32 = -1,
        }
    }
}

impl RotatedRoiAlign {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let (data, rois) = (&io.inputs[0], &io.inputs[1]);
        let [batch, channels, height, width] = data.shape()[..] else {
            return Err(OpError::invalid("data must have four dimensions"));
        };
        let g = Alignment {
            batch,
            channels,
            size: (height, width),
            pooled: pooled(&self.pooled_size).map_err(OpError::Invalid)?,
            scale: f64::from(self.spatial_scale),
            samples: usize::try_from(self.sampling_ratio).unwrap_or(0),
            kind: RegionKind::Rotated,
            sensitive: false,
        };
        roi_align::<T>(g, data.slice()?, rois.slice()?, io.outputs[0].slice_mut()?);
        Ok(())
    }
}

impl Operator for RotatedRoiAlign {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let (rows, columns) = pooled(&self.pooled_size).map_err(OpError::Invalid)?;
        io.set_input(0, PartialShape::of_rank(4))?;
        let regions = io.inputs[1].dim(0).or(io.outputs[0].dim(0));
        io.set_input(1, PartialShape::partial([regions, Some(6)]))?;
        let channels = io.inputs[0].dim(1);
        io.set_output(0, PartialShape::partial([regions, channels, Some(rows), Some(columns)]))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, infer, run, t32};

    #[test]
    fn regions_turn_around_their_centre() {
        let size = [2i64, 2].into_iter().collect();
        let op = RotatedRoiAlign { pooled_size: size, spatial_scale: 1.0, sampling_ratio: -1 };
        let data = t32([1, 1, 4, 4], &(0..16).map(|v| v as f32).collect::<Vec<_>>());
        let rois = t32([2, 6], &[0.0, 1.0, 1.0, 2.0, 2.0, 0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 90.0]);
        assert_close(&run(&op, &[data, rois])[0], &[2.5, 3.5, 6.5, 7.5, 6.5, 2.5, 7.5, 3.5]);
        assert_eq!(infer(&op, &[&[1, 2, 6, 6], &[3, 0]], &[]).unwrap()[1..], [vec![3, 6], vec![3, 2, 2, 2]]);
        assert!(infer(&op, &[&[1, 2, 6, 6], &[3, 5]], &[]).is_err());
    }
}
