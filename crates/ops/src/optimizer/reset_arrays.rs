//! `reset_arrays`: zeros for several arrays.

use rsym_graph::*;
use std::borrow::Cow;

operator! {
    /// Sets every element of every array to 0. There is no output.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | each input | any | any |
    #[list(true)]
    pub struct ResetArrays("reset_arrays") {
        inputs {
            data: "The arrays, which are written.",
        }
        params {
            /// Number of arrays.
            #[range(1..)]
            num_arrays: i32,
        }
    }
}

impl Operator for ResetArrays {
    fn inputs(&self) -> Names {
        (0..self.num_arrays).map(|i| Cow::Owned(format!("array_{i}"))).collect()
    }

    fn num_inputs(&self) -> usize {
        self.num_arrays as usize
    }

    fn num_outputs(&self) -> usize {
        0
    }

    fn has_effects(&self) -> bool {
        true
    }

    fn infer_shape(&self, _: &mut ShapeIo) -> OpResult {
        Ok(())
    }

    fn infer_type(&self, _: &mut TypeIo) -> OpResult {
        Ok(())
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        io.inputs.iter().for_each(|x| x.clone().fill(0.0));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{run, t32};

    #[test]
    fn all_arrays_are_zero_and_their_versions_count() {
        let inputs = [t32([2], &[1.0, 2.0]), t32([1], &[3.0])];
        let before = inputs[1].storage().version();
        assert!(run(&ResetArrays { num_arrays: 2 }, &inputs).is_empty());
        assert_eq!((inputs[0].to_f64_vec(), inputs[1].to_f64_vec()), (vec![0.0; 2], vec![0.0]));
        assert!(inputs[1].storage().version() > before);
    }
}
