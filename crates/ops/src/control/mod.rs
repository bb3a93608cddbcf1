//! Control flow: operators that hold graphs, and run them as often as their values say.

mod branch;
mod looped;
mod looped_backward;
mod looped_op;
mod support;

family! {
    cond { Cond }
    foreach { Foreach }
    while_loop { WhileLoop }
}
