use super::{FILE_MAGIC, NamedTensors, ParamsError, V2, V3};
use crate::Tensor;

/// The bytes of a parameter file, as MXNet 1.9.1 writes it.
///
/// `names` has one name for each tensor, or is empty. Version 2 has no scalars, so with a tensor of shape `()` among
/// them all arrays are written as version 3, which MXNet reads under `np_shape`.
///
/// # Errors
/// [`ParamsError::NameCount`].
///
/// ```
/// use rsym_tensor::{Tensor, params};
/// let weight = Tensor::from_slice([2], &[1f32, 2.0])?;
/// let file = params::write(&["arg:weight".into()], &[weight])?;
/// assert_eq!(params::read(&file)?.names, ["arg:weight"]);
/// # Ok::<(), params::ParamsError>(())
/// ```
pub fn write(names: &[String], tensors: &[Tensor]) -> Result<Vec<u8>, ParamsError> {
    if !names.is_empty() && names.len() != tensors.len() {
        return Err(ParamsError::NameCount { names: names.len() as u64, arrays: tensors.len() });
    }
    let version = if tensors.iter().any(|t| t.shape().is_empty()) { V3 } else { V2 };
    let mut out = Vec::with_capacity(length(names, tensors));
    words(&mut out, &[FILE_MAGIC, 0, tensors.len() as u64]);
    tensors.iter().for_each(|t| array(&mut out, version, t));
    words(&mut out, &[names.len() as u64]);
    for name in names {
        words(&mut out, &[name.len() as u64]);
        out.extend_from_slice(name.as_bytes());
    }
    Ok(out)
}

impl NamedTensors {
    /// The bytes of a file with these arrays; see [`write`].
    ///
    /// # Errors
    /// [`ParamsError::NameCount`].
    pub fn write(&self) -> Result<Vec<u8>, ParamsError> {
        write(&self.names, &self.tensors)
    }
}

fn length(names: &[String], tensors: &[Tensor]) -> usize {
    let arrays: usize = tensors.iter().map(|t| 24 + 8 * t.shape().len() + t.bytes()).sum();
    let names: usize = names.iter().map(|n| 8 + n.len()).sum();
    32 + arrays + names
}

fn array(out: &mut Vec<u8>, version: u32, tensor: &Tensor) {
    const DENSE: u32 = 0;
    const CPU: u32 = 1;
    halves(out, &[version, DENSE, tensor.shape().len() as u32]);
    tensor.shape().iter().for_each(|&d| words(out, &[d as u64]));
    halves(out, &[CPU, 0, tensor.dtype().number() as u32]);
    out.extend_from_slice(tensor.as_bytes());
}

fn words(out: &mut Vec<u8>, values: &[u64]) {
    values.iter().for_each(|v| out.extend_from_slice(&v.to_le_bytes()));
}

fn halves(out: &mut Vec<u8>, values: &[u32]) {
    values.iter().for_each(|v| out.extend_from_slice(&v.to_le_bytes()));
}
