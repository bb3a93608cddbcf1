//! The PyO3 module `rsym._rsym`: converts, delegates, converts back. What needs no speed is in Python.

use pyo3::prelude::*;

mod arithmetic;
mod autograd;
mod classes;
mod compose;
mod convert;
mod data;
mod errors;
mod executor;
mod files;
mod foreign;
mod imperative;
mod ndarray;
mod profile;
mod registry;
mod scope;
mod settings;
mod symbol;

#[pymodule]
fn _rsym(m: &Bound<'_, PyModule>) -> PyResult<()> {
    foreign::install();
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    m.add_class::<symbol::Symbol>()?;
    m.add_class::<ndarray::NDArray>()?;
    m.add_class::<executor::Executor>()?;
    m.add_class::<scope::AttrScope>()?;
    m.add_class::<scope::NameManager>()?;
    m.add_class::<scope::ThreadSlot>()?;
    m.add_function(wrap_pyfunction!(scope::register_scopes, m)?)?;
    m.add_function(wrap_pyfunction!(arithmetic::combine, m)?)?;
    m.add_function(wrap_pyfunction!(autograd::autograd_mode, m)?)?;
    m.add_function(wrap_pyfunction!(autograd::set_recording, m)?)?;
    m.add_function(wrap_pyfunction!(autograd::set_training, m)?)?;
    m.add_function(wrap_pyfunction!(autograd::backward, m)?)?;
    m.add_function(wrap_pyfunction!(autograd::record_function, m)?)?;
    m.add_function(wrap_pyfunction!(autograd::recorded_symbol, m)?)?;
    m.add_function(wrap_pyfunction!(classes::register_classes, m)?)?;
    m.add_function(wrap_pyfunction!(compose::compose, m)?)?;
    m.add_function(wrap_pyfunction!(compose::variable, m)?)?;
    m.add_function(wrap_pyfunction!(compose::group, m)?)?;
    m.add_function(wrap_pyfunction!(imperative::invoke, m)?)?;
    m.add_function(wrap_pyfunction!(imperative::update_each, m)?)?;
    m.add_function(wrap_pyfunction!(imperative::seed, m)?)?;
    m.add_class::<data::RecordReader>()?;
    m.add_class::<data::RecordWriter>()?;
    m.add_class::<data::BatchIter>()?;
    m.add_function(wrap_pyfunction!(data::csv_batches, m)?)?;
    m.add_function(wrap_pyfunction!(data::mnist_batches, m)?)?;
    m.add_function(wrap_pyfunction!(data::record_batches, m)?)?;
    m.add_function(wrap_pyfunction!(data::decode_picture, m)?)?;
    m.add_function(wrap_pyfunction!(data::encode_picture, m)?)?;
    m.add_function(wrap_pyfunction!(data::resize_picture, m)?)?;
    m.add_function(wrap_pyfunction!(executor::simple_bind, m)?)?;
    m.add_function(wrap_pyfunction!(executor::bind, m)?)?;
    m.add_function(wrap_pyfunction!(executor::forward_all, m)?)?;
    m.add_function(wrap_pyfunction!(executor::backward_all, m)?)?;
    m.add_function(wrap_pyfunction!(files::load_json, m)?)?;
    m.add_function(wrap_pyfunction!(files::read_params, m)?)?;
    m.add_function(wrap_pyfunction!(files::write_params, m)?)?;
    m.add_function(wrap_pyfunction!(profile::profile_switch, m)?)?;
    m.add_function(wrap_pyfunction!(profile::profile_clock, m)?)?;
    m.add_function(wrap_pyfunction!(profile::profile_span, m)?)?;
    m.add_function(wrap_pyfunction!(profile::profile_counter, m)?)?;
    m.add_function(wrap_pyfunction!(profile::profile_mark, m)?)?;
    m.add_function(wrap_pyfunction!(profile::profile_summaries, m)?)?;
    m.add_function(wrap_pyfunction!(profile::profile_events, m)?)?;
    m.add_function(wrap_pyfunction!(registry::operators, m)?)?;
    m.add_function(wrap_pyfunction!(settings::set_num_threads, m)?)?;
    m.add_function(wrap_pyfunction!(settings::get_num_threads, m)?)?;
    m.add_function(wrap_pyfunction!(settings::loaded, m)?)?;
    m.add_function(wrap_pyfunction!(settings::pass_names, m)?)?;
    m.add_function(wrap_pyfunction!(settings::switch_off_passes, m)?)?;
    Ok(())
}
