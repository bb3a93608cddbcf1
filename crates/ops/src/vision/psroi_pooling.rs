//! `_contrib_PSROIPooling`: mean pooling over regions, with channels for every bin (J. Dai et al., "R-FCN", 2016).

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::vision::sensitive::{Sensitive, sensitive_pool, sensitive_pool_backward};
use rsym_tensor::{Float, PartialShape, Shape, dispatch_float};

operator! {
    /// Divides each region of interest into bins and takes the mean of each bin, each in channels of its own.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (n, output_dim * group_size * group_size, h, w) | float |
    /// | rois | (r, 5): number of the picture, then left, top, right, bottom | that of data |
    /// | output | (r, output_dim, pooled_size, pooled_size) | that of data |
    ///
    /// The bins form `group_size` by `group_size` groups; group (i, j) of output channel c is pooled from channel
    /// `(c * group_size + i) * group_size + j`. Corners are rounded to whole units, the last ones belong to the region. Bins without a
    /// pixel and regions of pictures that do not exist give 0. The gradient of rois is zero.
    ///
    /// Source: J. Dai et al., "R-FCN", 2016.
    pub struct PsRoiPooling("_contrib_PSROIPooling") {
        inputs { data: "The pictures.", rois: "The regions of interest." }
        params {
            /// Pixels of data for one unit of the regions, from 0 to 1.
            #[range(0.0..=1.0)]
            spatial_scale: f32,
            /// Channels of the output.
            #[range(1..)]
            output_dim: i32,
            /// Number of bins along each axis.
            #[range(1..)]
            pooled_size: i32,
            /// Number of groups of bins along each axis; 0 for `pooled_size`.
            #[range(0..)]
            group_size: i32 = 0,
        }
    }
}

operator! {
    /// The gradient of `_contrib_PSROIPooling`.
    #[hidden(true)]
    pub struct PsRoiPoolingBackward("_backward_PSROIPooling") {
        inputs { ograd: "Gradient of the output.", data: "The pictures.", rois: "The regions of interest." }
        params {
            /// As in `_contrib_PSROIPooling`.
            spatial_scale: f32,
            /// As in `_contrib_PSROIPooling`.
            output_dim: i32,
            /// As in `_contrib_PSROIPooling`.
            pooled_size: i32,
            /// As in `_contrib_PSROIPooling`.
            group_size: i32,
        }
    }
}

impl PsRoiPooling {
    fn groups(&self) -> usize {
        if self.group_size > 0 { self.group_size as usize } else { self.pooled_size as usize }
    }

    fn geometry(&self, data: &Shape) -> OpResult<Sensitive> {
        let [batch, channels, height, width] = data[..] else {
            return Err(OpError::invalid("data must have four dimensions"));
        };
        Ok(Sensitive {
            batch,
            channels,
            size: (height, width),
            pooled: self.pooled_size as usize,
            groups: self.groups(),
            out_channels: self.output_dim as usize,
            scale: f64::from(self.spatial_scale),
        })
    }

    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let (data, rois) = (&io.inputs[0], &io.inputs[1]);
        let g = self.geometry(data.shape())?;
        sensitive_pool::<T>(g, data.slice()?, rois.slice()?, io.outputs[0].slice_mut()?);
        Ok(())
    }
}

/// Shapes of data, regions (r, 5) and output; data must have a channel for each of `groups * groups` groups of the output's channels.
pub(super) fn infer_pooled(io: &mut ShapeIo, out_channels: usize, groups: usize, pooled: usize) -> OpResult {
    io.set_input(0, PartialShape::of_rank(4))?;
    let needed = out_channels.saturating_mul(groups).saturating_mul(groups);
    if let Some(got) = io.inputs[0].dim(1).filter(|&c| c < needed) {
        let text = format!("data: expected at least output_dim * group_size * group_size = {needed} channels, got {got}");
        return Err(OpError::invalid(text));
    }
    let regions = io.inputs[1].dim(0).or(io.outputs[0].dim(0));
    io.set_input(1, PartialShape::partial([regions, Some(5)]))?;
    io.set_output(0, PartialShape::partial([regions, Some(out_channels), Some(pooled), Some(pooled)]))
}

impl Operator for PsRoiPooling {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        infer_pooled(io, self.output_dim as usize, self.groups(), self.pooled_size as usize)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        if g.needs(0) {
            let op = PsRoiPoolingBackward {
                spatial_scale: self.spatial_scale,
                output_dim: self.output_dim,
                pooled_size: self.pooled_size,
                group_size: self.group_size,
            };
            let inputs = [g.head(0)?, g.input(0), g.input(1)];
            let gradient = g.apply(op, &inputs);
            g.set(0, gradient);
        }
        Ok(())
    }
}

impl PsRoiPoolingBackward {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let [head, data, rois] = io.inputs else { return Err(OpError::invalid("takes three inputs")) };
        let op = PsRoiPooling {
            spatial_scale: self.spatial_scale,
            output_dim: self.output_dim,
            pooled_size: self.pooled_size,
            group_size: self.group_size,
        };
        sensitive_pool_backward::<T>(op.geometry(data.shape())?, head.slice()?, rois.slice()?, io.outputs[0].slice_mut()?);
        Ok(())
    }
}

impl Operator for PsRoiPoolingBackward {
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
    use crate::support::tests::{assert_close, backward, infer, run, t32};

    const OP: PsRoiPooling = PsRoiPooling { spatial_scale: 1.0, output_dim: 1, pooled_size: 2, group_size: 0 };

    #[test]
    fn every_bin_has_its_channel() {
        let data = t32([1, 4, 2, 2], &(0..16).map(|v| v as f32).collect::<Vec<_>>());
        let rois = t32([1, 5], &[0.0, 0.0, 0.0, 1.0, 1.0]);
        assert_close(&run(&OP, &[data.clone(), rois.clone()])[0], &[0.0, 5.0, 10.0, 15.0]);
        let found = backward(&OP, &[data, rois], &[Some(t32([1, 1, 2, 2], &[1.0, 2.0, 3.0, 4.0]))]);
        let got = found[0].as_ref().unwrap().to_f64_vec();
        assert_eq!((got[0], got[5], got[10], got[15], got.iter().sum::<f64>()), (1.0, 2.0, 3.0, 4.0, 10.0));
        assert!(found[1].is_none());
    }

    #[test]
    fn shapes_and_refusals() {
        assert_eq!(infer(&OP, &[&[1, 4, 6, 6], &[3, 0]], &[]).unwrap()[1..], [vec![3, 5], vec![3, 1, 2, 2]]);
        assert!(infer(&OP, &[&[1, 3, 6, 6], &[3, 5]], &[]).is_err());
    }
}
