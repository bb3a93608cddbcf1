//! `_contrib_ROIAlign`: mean of bilinear samples over regions of interest (K. He et al., "Mask R-CNN", 2017).

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::vision::align::{Alignment, RegionKind, roi_align, roi_align_backward};
use rsym_tensor::{Float, PartialShape, Shape, dispatch_float};

operator! {
    /// Divides each region of interest into bins and takes the mean of bilinear samples of each bin.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (n, c, h, w) | float |
    /// | rois | (r, 5): number of the picture, then left, top, right, bottom | that of data |
    /// | output | (r, c, rows, columns), with `position_sensitive` (r, c / (rows * columns), rows, columns) | that of data |
    ///
    /// Nothing is rounded. Regions are at least one pixel wide and high; with `aligned` their pixels' centres lie half a pixel from
    /// the corners, and they must have an area. Samples more than a pixel outside of the picture count as 0, and regions of pictures
    /// that do not exist give 0. With `position_sensitive`, bin b of output channel c comes from channel `c * rows * columns + b`. A
    /// bin has at most 1024 samples along an axis. The gradient of rois is zero.
    ///
    /// Source: K. He et al., "Mask R-CNN", 2017.
    #[check(|op: &RoiAlign| pooled(&op.pooled_size).map(|_| ()))]
    pub struct RoiAlign("_contrib_ROIAlign") {
        inputs { data: "The pictures.", rois: "The regions of interest." }
        params {
            /// Number of bins: rows and columns.
            pooled_size: Tuple,
            /// Pixels of data for one unit of the regions, from 0 to 1.
            #[range(0.0..=1.0)]
            spatial_scale: f32,
            /// Samples of a bin along each axis; by default one for each pixel.
            sample_ratio: i32 = -1,
            /// Give every bin channels of its own.
            position_sensitive: bool = false,
            /// Put the centres of pixels half a pixel from their corners.
            aligned: bool = false,
        }
    }
}

operator! {
    /// The gradient of `_contrib_ROIAlign`.
    #[hidden(true)]
    pub struct RoiAlignBackward("_backward_ROIAlign") {
        inputs { ograd: "Gradient of the output.", data: "The pictures.", rois: "The regions of interest." }
        params {
            /// As in `_contrib_ROIAlign`.
            pooled_size: Tuple,
            /// As in `_contrib_ROIAlign`.
            spatial_scale: f32,
            /// As in `_contrib_ROIAlign`.
            sample_ratio: i32,
            /// As in `_contrib_ROIAlign`.
            position_sensitive: bool,
            /// As in `_contrib_ROIAlign`.
            aligned: bool,
        }
    }
}

/// Rows and columns of bins.
pub(super) fn pooled(size: &Tuple) -> Result<(usize, usize), String> {
    match size[..] {
        [rows, columns] if rows > 0 && columns > 0 => Ok((rows as usize, columns as usize)),
        _ => Err(format!("pooled_size must be (rows, columns), both positive; got {}", size.text())),
    }
}

impl RoiAlign {
    fn alignment(&self, data: &Shape) -> OpResult<Alignment> {
        let [batch, channels, height, width] = data[..] else {
            return Err(OpError::invalid("data must have four dimensions"));
        };
        Ok(Alignment {
            batch,
            channels,
            size: (height, width),
            pooled: pooled(&self.pooled_size).map_err(OpError::Invalid)?,
            scale: f64::from(self.spatial_scale),
            samples: usize::try_from(self.sample_ratio).unwrap_or(0),
            kind: if self.aligned { RegionKind::Centered } else { RegionKind::Corners },
            sensitive: self.position_sensitive,
        })
    }

    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let (data, rois) = (&io.inputs[0], io.inputs[1].slice::<T>()?);
        let g = self.alignment(data.shape())?;
        let flat = |roi: &&[T]| roi[0].to_f64() >= 0.0 && !g.has_area(roi);
        if let Some(roi) = rois.chunks_exact(5).filter(|_| self.aligned).find(flat) {
            return Err(OpError::invalid(format!("rois: with aligned=True every region needs an area, got {:?}", roi)));
        }
        roi_align::<T>(g, data.slice()?, rois, io.outputs[0].slice_mut()?);
        Ok(())
    }
}

impl Operator for RoiAlign {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let (rows, columns) = pooled(&self.pooled_size).map_err(OpError::Invalid)?;
        io.set_input(0, PartialShape::of_rank(4))?;
        let regions = io.inputs[1].dim(0).or(io.outputs[0].dim(0));
        io.set_input(1, PartialShape::partial([regions, Some(5)]))?;
        let share = if self.position_sensitive { rows * columns } else { 1 };
        let channels = io.inputs[0].dim(1);
        if let Some(c) = channels.filter(|c| !c.is_multiple_of(share)) {
            return Err(OpError::invalid(format!("position_sensitive needs a multiple of {share} channels, got {c}")));
        }
        io.set_output(0, PartialShape::partial([regions, channels.map(|c| c / share), Some(rows), Some(columns)]))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        if g.needs(0) {
            let op = RoiAlignBackward {
                pooled_size: self.pooled_size.clone(),
                spatial_scale: self.spatial_scale,
                sample_ratio: self.sample_ratio,
                position_sensitive: self.position_sensitive,
                aligned: self.aligned,
            };
            let inputs = [g.head(0)?, g.input(0), g.input(1)];
            let gradient = g.apply(op, &inputs);
            g.set(0, gradient);
        }
        Ok(())
    }
}

impl RoiAlignBackward {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let [head, data, rois] = io.inputs else { return Err(OpError::invalid("takes three inputs")) };
        let op = RoiAlign {
            pooled_size: self.pooled_size.clone(),
            spatial_scale: self.spatial_scale,
            sample_ratio: self.sample_ratio,
            position_sensitive: self.position_sensitive,
            aligned: self.aligned,
        };
        roi_align_backward::<T>(op.alignment(data.shape())?, head.slice()?, rois.slice()?, io.outputs[0].slice_mut()?);
        Ok(())
    }
}

impl Operator for RoiAlignBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn reads(&self, input: usize) -> bool {
        input != 1
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;
    use crate::support::tests::{assert_close, backward, infer, run, run_with, sample, t32};
    use rsym_tensor::DType;

    fn make(params: &[(&str, &str)]) -> RoiAlign {
        let all = [&[("pooled_size", "(2, 2)"), ("spatial_scale", "1.0")], params].concat();
        let mut texts = ParamTexts::default();
        all.into_iter().for_each(|(k, v)| texts.set(k.to_string(), v.to_string()));
        RoiAlign::from_texts(&texts).unwrap()
    }

    #[test]
    fn bins_and_their_gradient() {
        let data = t32([1, 1, 4, 4], &(0..16).map(|v| v as f32).collect::<Vec<_>>());
        let rois = t32([1, 5], &[0.0, 0.0, 0.0, 2.0, 2.0]);
        let op = make(&[]);
        assert_close(&run(&op, &[data.clone(), rois.clone()])[0], &[2.5, 3.5, 6.5, 7.5]);
        let found = backward(&op, &[data, rois], &[Some(t32([1, 1, 2, 2], &[4.0, 0.0, 0.0, 0.0]))]);
        assert_close(found[0].as_ref().unwrap(), &[1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert!(found[1].is_none());
    }

    #[test]
    fn channels_of_their_own_and_half_pixels() {
        let op = make(&[("position_sensitive", "True"), ("aligned", "True"), ("sample_ratio", "2")]);
        let data = sample(&[1, 8, 5, 5].into(), DType::Float32, 1);
        let rois = t32([1, 5], &[0.0, 0.5, 0.5, 4.5, 4.5]);
        let out = run(&op, &[data.clone(), rois.clone()]).remove(0);
        let plain = run(&make(&[("aligned", "True"), ("sample_ratio", "2")]), &[data.clone(), rois]).remove(0);
        let (out, plain) = (out.to_f64_vec(), plain.to_f64_vec());
        assert!((0..8).all(|k| out[k] == plain[k * 4 + k % 4]));
        let flat = t32([1, 5], &[0.0, 3.0, 1.0, 3.0, 2.0]);
        assert!(run_with(&op, &[data, flat], &Ctx::default()).is_err());
    }

    #[test]
    fn shapes_and_refusals() {
        assert_eq!(infer(&make(&[]), &[&[1, 2, 6, 6], &[3, 0]], &[]).unwrap()[1..], [vec![3, 5], vec![3, 2, 2, 2]]);
        assert!(infer(&make(&[("position_sensitive", "1")]), &[&[1, 6, 6, 6], &[3, 5]], &[]).is_err());
        let bad = [("pooled_size", "(2,)"), ("spatial_scale", "1.0")];
        assert!(registry().make("_contrib_ROIAlign", &bad).is_err());
        let bad = [("pooled_size", "(2, 2)"), ("spatial_scale", "1.5")];
        assert!(registry().make("_contrib_ROIAlign", &bad).is_err());
    }
}
