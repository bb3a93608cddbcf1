use crate::convert::text_attrs;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use rsym_graph::AttrMap;
use std::sync::OnceLock;

/// The attributes of an `AttrScope`: what the scope says itself, and how it combines with what is around it.
#[pyclass(subclass, frozen, module = "rsym._rsym")]
pub struct AttrScope {
    attrs: OnceLock<AttrMap>,
}

#[pymethods]
impl AttrScope {
    /// Takes anything: subclasses may have constructors of their own.
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> AttrScope {
        AttrScope { attrs: OnceLock::new() }
    }

    /// Gives the scope its attributes, once. ValueError for a key or value that is not text.
    fn _define(&self, attrs: &Bound<'_, PyDict>) -> PyResult<()> {
        let attrs = text_attrs(attrs)?.into_iter().collect();
        // A second call changes nothing: a scope does not change while it may be entered.
        let _ = self.attrs.set(attrs);
        Ok(())
    }

    /// The scope's own attributes.
    #[getter]
    fn _attr(&self) -> AttrMap {
        self.attrs.get().cloned().unwrap_or_default()
    }

    /// `outer` overlaid with the scope's own attributes, key by key.
    fn _over(&self, outer: AttrMap) -> AttrMap {
        rsym_graph::attrs::overlay(outer, self.attrs.get())
    }
}
