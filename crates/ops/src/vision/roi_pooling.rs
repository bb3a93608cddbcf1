//! `ROIPooling`: max pooling over regions of interest (R. Girshick, "Fast R-CNN", 2015).

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::number::Number;
use rsym_kernels::pool::{RoiGeometry, roi_pool, roi_pool_backward};
use rsym_tensor::{Float, PartialShape, Shape, dispatch_float};

operator! {
    /// Divides each region of interest into bins and takes the largest pixel of each bin.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (n, c, h, w) | float |
    /// | rois | (r, 5): number of the picture, then left, top, right, bottom | that of data |
    /// | output | (r, c, rows, columns) | that of data |
    ///
    /// Regions are rounded to whole pixels; bins beyond the border hold 0. The gradient of rois is zero.
    #[aliases("_npx_roi_pooling")]
    pub struct RoiPooling("ROIPooling") {
        inputs { data: "The pictures.", rois: "The regions of interest." }
        params {
            /// Number of bins: rows and columns.
            pooled_size: Tuple,
            /// Pixels of data for one unit of the regions, from 0 to 1.
            #[range(0.0..=1.0)]
            spatial_scale: f32,
        }
    }
}

operator! {
    /// The gradient of `ROIPooling`.
    #[hidden(true)]
    pub struct RoiPoolingBackward("_backward_ROIPooling") {
        inputs { ograd: "Gradient of the output.", data: "The pictures.", rois: "The regions of interest." }
        params {
            /// As in `ROIPooling`.
            pooled_size: Tuple,
            /// As in `ROIPooling`.
            spatial_scale: f32,
        }
    }
}

fn bins(pooled_size: &Tuple) -> OpResult<(usize, usize)> {
    match pooled_size[..] {
        [rows, columns] if rows > 0 && columns > 0 => Ok((rows as usize, columns as usize)),
        _ => Err(OpError::invalid(format!(
            "pooled_size must be (rows, columns), both positive; got {}",
            pooled_size.text()
        ))),
    }
}

fn geometry(data: &Shape, pooled_size: &Tuple, scale: f32) -> OpResult<RoiGeometry> {
    let pooled = bins(pooled_size)?;
    match data[..] {
        [batch, channels, height, width] => {
            Ok(RoiGeometry { batch, channels, height, width, pooled, scale: scale as f64 })
        }
        _ => Err(OpError::invalid("data must have four dimensions")),
    }
}

impl RoiPooling {
    fn run<T: Float + Number>(&self, io: &mut Io) -> OpResult {
        let (data, rois) = (&io.inputs[0], &io.inputs[1]);
        let g = geometry(data.shape(), &self.pooled_size, self.spatial_scale)?;
        roi_pool::<T>(g, data.slice()?, rois.slice()?, io.outputs[0].slice_mut()?);
        Ok(())
    }
}

impl Operator for RoiPooling {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let (rows, columns) = bins(&self.pooled_size)?;
        io.set_input(0, PartialShape::of_rank(4))?;
        let regions = io.inputs[1].dim(0).or(io.outputs[0].dim(0));
        io.set_input(1, PartialShape::partial([regions, Some(5)]))?;
        let channels = io.inputs[0].dim(1);
        io.set_output(0, PartialShape::partial([regions, channels, Some(rows), Some(columns)]))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        if g.needs(0) {
            let op = RoiPoolingBackward { pooled_size: self.pooled_size.clone(), spatial_scale: self.spatial_scale };
            let inputs = [g.head(0)?, g.input(0), g.input(1)];
            let gradient = g.apply(op, &inputs);
            g.set(0, gradient);
        }
        Ok(())
    }
}

impl RoiPoolingBackward {
    fn run<T: Float + Number>(&self, io: &mut Io) -> OpResult {
        let [head, data, rois] = io.inputs else { return Err(OpError::invalid("takes three inputs")) };
        let g = geometry(data.shape(), &self.pooled_size, self.spatial_scale)?;
        roi_pool_backward::<T>(g, head.slice()?, data.slice()?, rois.slice()?, io.outputs[0].slice_mut()?);
        Ok(())
    }
}

impl Operator for RoiPoolingBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{backward, infer, run, t32};

    fn op() -> RoiPooling {
        RoiPooling { pooled_size: [2i64, 2].into_iter().collect(), spatial_scale: 1.0 }
    }

    // MXNet 1.9.1: the same call.
    #[test]
    fn bins_of_mxnet_and_their_gradient() {
        let data = t32([1, 1, 6, 6], &(0..36).map(|v| v as f32).collect::<Vec<_>>());
        let rois = t32([1, 5], &[0.0, 1.5, 2.5, 4.0, 5.0]);
        let out = run(&op(), &[data.clone(), rois.clone()]).remove(0);
        assert_eq!(out.to_f64_vec(), [27.0, 28.0, 33.0, 34.0]);
        let found = backward(&op(), &[data, rois], &[Some(t32([1, 1, 2, 2], &[1.0, 2.0, 3.0, 4.0]))]);
        let gradient = found[0].as_ref().unwrap().to_f64_vec();
        assert_eq!((gradient[27], gradient[28], gradient[33], gradient[34]), (1.0, 2.0, 3.0, 4.0));
        assert_eq!(gradient.iter().sum::<f64>(), 10.0);
        assert!(found[1].is_none());
    }

    #[test]
    fn shapes_flow() {
        assert_eq!(infer(&op(), &[&[1, 2, 6, 6], &[3, 0]], &[]).unwrap()[1..], [vec![3, 5], vec![3, 2, 2, 2]]);
        assert!(infer(&op(), &[&[1, 2, 6], &[3, 5]], &[]).is_err());
        let bad = RoiPooling { pooled_size: [0i64, 2].into_iter().collect(), ..op() };
        assert!(infer(&bad, &[&[1, 2, 6, 6], &[3, 5]], &[]).is_err());
    }
}
