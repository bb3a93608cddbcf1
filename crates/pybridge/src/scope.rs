use crate::convert::text_attrs;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rsym_graph::AttrMap;

/// The attributes of an `AttrScope`: what the scope says itself, and how it combines with what is around and inside it.
#[pyclass(subclass, frozen, module = "rsym._rsym")]
pub struct AttrScope {
    attrs: AttrMap,
}

#[pymethods]
impl AttrScope {
    #[new]
    #[pyo3(signature = (**attrs))]
    fn new(attrs: Option<&Bound<'_, PyDict>>) -> PyResult<AttrScope> {
        let attrs = attrs.map(text_attrs).transpose()?.unwrap_or_default();
        Ok(AttrScope { attrs: attrs.into_iter().collect() })
    }

    /// The scope's own attributes.
    #[getter]
    fn _attr(&self) -> AttrMap {
        self.attrs.clone()
    }

    /// `outer` overlaid with the scope's own attributes, key by key.
    fn _over(&self, outer: AttrMap) -> AttrMap {
        let mut all = outer;
        all.extend(self.attrs.clone());
        all
    }
}
