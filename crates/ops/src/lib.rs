//! The operators of rsym, one file each, by family.
//!
//! Adding an operator takes its file and one line in the list of its family's `mod.rs`; the registry, the Python functions,
//! the documentation and the generic tests follow from its declaration.

use rsym_graph::{OpDef, Registry};
use std::sync::LazyLock;

mod support;

/// Declares the modules of a family and collects their operators in `DEFS`.
macro_rules! family {
    ($($module:ident { $($op:ident),* $(,)? })*) => {
        $(pub mod $module;)*
        /// The operators of this family.
        pub const DEFS: &[&rsym_graph::OpDef] = &[$($($module::$op::DEF),*),*];
    };
}

pub mod contrib;
pub mod control;
pub mod create;
pub mod foreign;
pub mod forms;
pub mod image;
pub mod index;
pub mod linalg;
pub mod loss;
pub mod math;
pub mod nn;
pub mod optimizer;
pub mod random;
pub mod shape;
pub mod vision;

const FAMILIES: &[&[&OpDef]] = &[
    contrib::DEFS,
    control::DEFS,
    create::DEFS,
    foreign::DEFS,
    image::DEFS,
    index::DEFS,
    linalg::DEFS,
    loss::DEFS,
    math::DEFS,
    nn::DEFS,
    optimizer::DEFS,
    random::DEFS,
    shape::DEFS,
    vision::DEFS,
];

/// Every operator of rsym.
pub fn registry() -> &'static Registry {
    static REGISTRY: LazyLock<Registry> =
        LazyLock::new(|| Registry::new(FAMILIES.iter().flat_map(|family| family.iter().copied())));
    &REGISTRY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_default_is_valid_text_for_its_parameter() {
        for def in registry().iter() {
            for param in def.params {
                let Some(text) = (param.default)() else { continue };
                let values = (param.values)();
                assert!(values.is_empty() || text == "None" || values.contains(&&*text), "{} {}", def.name, param.name);
            }
        }
    }

    #[test]
    fn every_public_operator_input_and_parameter_is_documented() {
        for def in registry().iter().filter(|d| !d.hidden) {
            assert!(!def.doc.trim().is_empty(), "{}", def.name);
            for (name, doc) in
                def.inputs.iter().map(|i| (i.name, i.doc)).chain(def.params.iter().map(|p| (p.name, p.doc)))
            {
                assert!(!doc.trim().is_empty(), "{} {name}", def.name);
            }
        }
    }
}
