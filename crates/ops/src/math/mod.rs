//! Elementwise arithmetic, unary maths, comparison, reduction and products.

family! {
    add_n { AddN }
}
