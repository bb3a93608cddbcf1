//! `_contrib_DeformablePSROIPooling`: pooling over regions whose bins move (J. Dai et al., "Deformable Convolutional Networks", 2017).

use super::psroi_pooling::infer_pooled;
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::vision::sensitive::{
    Moves, Sensitive, deformable_pool, deformable_pool_backward_data, deformable_pool_backward_moves,
};
use rsym_tensor::{Float, PartialShape, Tensor, dispatch_float};

operator! {
    /// Divides each region of interest into bins, moves the bins, and takes the mean of bilinear samples of each, each in channels of
    /// its own.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (n, output_dim * group_size * group_size, h, w) | float |
    /// | rois | (r, 5): number of the picture, then left, top, right, bottom | that of data |
    /// | trans | (r, 2 * classes, part_size, part_size): x, then y; absent with `no_trans` | that of data |
    /// | output | (r, output_dim, pooled_size, pooled_size) | that of data |
    ///
    /// A bin moves by `trans_std * trans` times the size of its region. The output channels are divided among the classes. Groups of
    /// bins are as in `PSROIPooling`; samples more than half a pixel outside of the picture do not count, bins without a sample and
    /// regions of pictures that do not exist give 0. The gradient of rois is zero.
    ///
    /// Source: J. Dai et al., "Deformable Convolutional Networks", 2017.
    pub struct DeformablePsRoiPooling("_contrib_DeformablePSROIPooling") {
        inputs { data: "The pictures.", rois: "The regions of interest.", trans: "The moves of the bins." }
        params {
            /// Pixels of data for one unit of the regions, from 0 to 1.
            #[range(0.0..=1.0)]
            spatial_scale: f32,
            /// Channels of the output.
            #[range(1..)]
            output_dim: i32,
            /// Number of groups of bins along each axis.
            #[range(1..)]
            group_size: i32,
            /// Number of bins along each axis.
            #[range(1..)]
            pooled_size: i32,
            /// Number of parts along each axis that move by themselves; 0 for `pooled_size`.
            #[range(0..)]
            part_size: i32 = 0,
            /// Samples of a bin along each axis.
            #[range(1..)]
            sample_per_part: i32 = 1,
            /// What moves are multiplied by, from 0 to 1.
            #[range(0.0..=1.0)]
            trans_std: f32 = 0.0,
            /// Leave the bins where they are.
            no_trans: bool = false,
        }
    }
}

/// The gradients of a deformable pooling: of data, then of the moves where there are any.
#[derive(Clone, Debug)]
pub struct DeformablePsRoiPoolingBackward(DeformablePsRoiPooling);

internal_operator!(DeformablePsRoiPoolingBackward, "_backward_DeformablePSROIPooling");

impl DeformablePsRoiPooling {
    fn parts(&self) -> usize {
        if self.part_size > 0 { self.part_size as usize } else { self.pooled_size as usize }
    }

    fn geometry(&self, data: &Tensor) -> OpResult<Sensitive> {
        let [batch, channels, height, width] = data.shape()[..] else {
            return Err(OpError::invalid("data must have four dimensions"));
        };
        Ok(Sensitive {
            batch,
            channels,
            size: (height, width),
            pooled: self.pooled_size as usize,
            groups: self.group_size as usize,
            out_channels: self.output_dim as usize,
            scale: f64::from(self.spatial_scale),
        })
    }

    fn moves<'a, T: Float>(&self, trans: Option<&'a Tensor>) -> OpResult<Moves<'a, T>> {
        Ok(Moves {
            offsets: trans.map(|t| t.slice::<T>()).transpose()?,
            classes: trans.map_or(1, |t| t.shape()[1] / 2),
            parts: self.parts(),
            std: f64::from(self.trans_std),
            samples: self.sample_per_part as usize,
        })
    }

    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let (data, rois) = (&io.inputs[0], &io.inputs[1]);
        let (g, m) = (self.geometry(data)?, self.moves(io.inputs.get(2))?);
        deformable_pool::<T>(g, m, data.slice()?, rois.slice()?, io.outputs[0].slice_mut()?);
        Ok(())
    }
}

impl Operator for DeformablePsRoiPooling {
    fn inputs(&self) -> Names {
        if self.no_trans { names!["data", "rois"] } else { names!["data", "rois", "trans"] }
    }

    fn num_inputs(&self) -> usize {
        if self.no_trans { 2 } else { 3 }
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        infer_pooled(io, self.output_dim as usize, self.group_size as usize, self.pooled_size as usize)?;
        if self.no_trans {
            return Ok(());
        }
        let (regions, parts) = (io.inputs[1].dim(0), Some(self.parts()));
        io.set_input(2, PartialShape::partial([regions, None, parts, parts]))?;
        match io.inputs[2].dim(1) {
            Some(n) if n == 0 || n % 2 == 1 => {
                Err(OpError::invalid(format!("trans must have two channels for each class, got {n}")))
            }
            _ => Ok(()),
        }
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let mut inputs = vec![g.head(0)?];
        inputs.extend((0..g.num_inputs()).map(|i| g.input(i)));
        let gradients = g.apply_multi(DeformablePsRoiPoolingBackward(self.clone()), &inputs);
        gradients.into_iter().zip([0, 2]).for_each(|(gradient, i)| g.set(i, gradient));
        Ok(())
    }
}

impl DeformablePsRoiPoolingBackward {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let op = &self.0;
        let [head, data, rois, trans @ ..] = io.inputs else { return Err(OpError::invalid("takes the forward inputs")) };
        let (g, grad, rois) = (op.geometry(data)?, head.slice::<T>()?, rois.slice::<T>()?);
        let trans = trans.first();
        deformable_pool_backward_data::<T>(g, op.moves(trans)?, grad, rois, io.outputs[0].slice_mut()?);
        if trans.is_some() {
            deformable_pool_backward_moves::<T>(g, op.moves(trans)?, grad, data.slice()?, rois, io.outputs[1].slice_mut()?);
        }
        Ok(())
    }
}

impl Operator for DeformablePsRoiPoolingBackward {
    fn inputs(&self) -> Names {
        if self.0.no_trans { names!["ograd", "data", "rois"] } else { names!["ograd", "data", "rois", "trans"] }
    }

    fn num_inputs(&self) -> usize {
        self.0.num_inputs() + 1
    }

    fn num_outputs(&self) -> usize {
        self.0.num_inputs() - 1
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])?;
        if self.0.no_trans { Ok(()) } else { io.unify([Port::Input(3), Port::Output(1)]) }
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient_at, infer, run, sample, t32};
    use rsym_tensor::DType;

    fn op(no_trans: bool) -> DeformablePsRoiPooling {
        DeformablePsRoiPooling {
            spatial_scale: 0.5,
            output_dim: 2,
            group_size: 2,
            pooled_size: 2,
            part_size: 0,
            sample_per_part: 2,
            trans_std: 0.1,
            no_trans,
        }
    }

    #[test]
    fn bins_at_rest_and_moved() {
        let data = t32([1, 8, 4, 4], &(0..128).map(|v| (v / 16) as f32).collect::<Vec<_>>());
        let rois = t32([1, 5], &[0.0, 1.0, 1.0, 6.0, 6.0]);
        let want: Vec<f64> = (0..8).map(f64::from).collect();
        assert_eq!(run(&op(true), &[data.clone(), rois.clone()])[0].to_f64_vec(), want);
        assert_eq!(run(&op(false), &[data, rois, t32([1, 4, 2, 2], &[0.5; 16])])[0].to_f64_vec(), want);
    }

    #[test]
    fn gradients_agree_with_differences() {
        let data = sample(&[1, 8, 5, 5].into(), DType::Float64, 1);
        // Corners are rounded, so that small differences change nothing.
        let rois = t32([2, 5], &[0.0, 1.0, 2.0, 8.0, 9.0, 0.0, 0.0, 0.0, 4.0, 6.0]).cast(DType::Float64).unwrap();
        let trans = sample(&[2, 4, 2, 2].into(), DType::Float64, 3);
        check_gradient_at(&op(true), &[data.clone(), rois.clone()]);
        check_gradient_at(&op(false), &[data, rois, trans]);
    }

    #[test]
    fn shapes_and_refusals() {
        let got = infer(&op(false), &[&[1, 8, 6, 6], &[3, 0], &[0, 4, 0, 0]], &[]).unwrap();
        assert_eq!(got[1..], [vec![3, 5], vec![3, 4, 2, 2], vec![3, 2, 2, 2]]);
        assert!(infer(&op(false), &[&[1, 8, 6, 6], &[3, 5], &[3, 3, 2, 2]], &[]).is_err());
        assert!(infer(&op(true), &[&[1, 7, 6, 6], &[3, 5]], &[]).is_err());
    }
}
