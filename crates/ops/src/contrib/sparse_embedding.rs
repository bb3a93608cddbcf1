//! `_contrib_SparseEmbedding`: the older name of `Embedding` with a sparse gradient.

use crate::nn::embedding::{Embedding, TableType};
use rsym_graph::*;

operator! {
    /// Looks up rows of a table: `out[i…, :] = weight[data[i…], :]`, as `Embedding` does.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data: row numbers | any | any |
    /// | weight | (input_dim, output_dim) | `dtype`, unless it or the output has a type already |
    /// | output | that of data and (output_dim,) | that of weight |
    ///
    /// The gradient of the table, which MXNet stores sparsely, is dense in rsym. That of data cannot be asked for.
    pub struct SparseEmbedding("_contrib_SparseEmbedding") {
        inputs { data: "The row numbers.", weight: "The table." }
        params {
            /// Number of rows of the table.
            #[range(1..)]
            input_dim: i32,
            /// Length of a row.
            #[range(1..)]
            output_dim: i32,
            /// Type of the table.
            dtype: TableType = TableType::Float32,
            /// Ignored.
            sparse_grad: bool = false,
        }
    }
}

impl SparseEmbedding {
    fn dense(&self) -> Embedding {
        let SparseEmbedding { input_dim, output_dim, dtype, sparse_grad } = *self;
        Embedding { input_dim, output_dim, dtype, sparse_grad }
    }
}

impl Operator for SparseEmbedding {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        self.dense().infer_shape(io)
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        self.dense().infer_type(io)
    }

    fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
        self.dense().forward(io, ctx)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        self.dense().gradient(g)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{infer, run, t32};

    #[test]
    fn it_is_embedding() {
        let op = SparseEmbedding { input_dim: 3, output_dim: 1, dtype: TableType::Float32, sparse_grad: true };
        let (data, table) = (t32([3], &[2.0, 0.0, 2.0]), t32([3, 1], &[5.0, 6.0, 7.0]));
        assert_eq!(run(&op, &[data, table])[0].to_f64_vec(), [7.0, 5.0, 7.0]);
        assert_eq!(infer(&op, &[&[2, 4], &[]], &[]).unwrap()[1..], [vec![3, 1], vec![2, 4, 1]]);
    }
}
