//! Settings of the process: threads and vector instructions.

use crate::errors::attached;
use crate::errors::mxnet_error;
use pyo3::prelude::*;
use rsym_executor::passes::{self, PassSet};
use rsym_kernels::{parallel, simd};

#[pyfunction]
pub fn set_num_threads(n: isize) -> PyResult<()> {
    // What is negative is as impossible as what is too large, and the message the same.
    let valid = parallel::set_num_threads(usize::try_from(n).unwrap_or(0));
    valid.map_err(|_| {
        mxnet_error(format!("{n} is no number of threads: use a whole number from 1 to {}", parallel::MAX_THREADS))
    })
}

#[pyfunction]
pub fn get_num_threads() -> usize {
    parallel::num_threads()
}

#[pyfunction]
pub fn loaded(one_of_several: bool) {
    parallel::loaded(one_of_several);
}

/// Names of the passes over bound programs, in their order.
#[pyfunction]
pub fn pass_names() -> Vec<&'static str> {
    passes::names().collect()
}

/// Makes `names` the passes that are left out from now on; returns those of before.
#[pyfunction]
pub fn switch_off_passes(names: Vec<String>) -> PyResult<Vec<&'static str>> {
    let set = attached(|| PassSet::parse(names.iter().map(String::as_str)))?;
    Ok(set.switch_off().names().collect())
}

/// Refuses environment variables that say what this machine cannot do.
pub fn check() -> PyResult<()> {
    parallel::requested().map_err(mxnet_error)?;
    simd::requested().map_err(mxnet_error)?;
    Ok(())
}
