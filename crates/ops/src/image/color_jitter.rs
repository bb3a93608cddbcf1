//! `_image_random_color_jitter`: brightness, contrast, saturation and hue changed in random order.

use super::picture::{adjusted, draws, same_picture};
use rsym_graph::*;
use rsym_kernels::picture::Adjustment;
use rsym_kernels::random::Draws;

operator! {
    /// Changes brightness, contrast, saturation and hue at random, in random order.
    ///
    /// The first three are multiplied by 1 + f and the hue is turned by f full turns, with f uniform between minus and plus
    /// the number given; 0 and below leave a property alone. The changes are those of `_image_random_brightness` and so on.
    /// The gradient passes unchanged, as in MXNet.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (height, width, channels), 1 or 3 channels | any |
    /// | output | that of data | that of data |
    #[aliases("_npx__image_random_color_jitter")]
    #[unnamed(true)]
    pub struct RandomColorJitter("_image_random_color_jitter") {
        inputs { data: "The picture." }
        params {
            /// How much to change the brightness at most.
            brightness: f32,
            /// How much to change the contrast at most.
            contrast: f32,
            /// How much to change the saturation at most.
            saturation: f32,
            /// How far to turn the hue at most.
            hue: f32,
        }
    }
}

impl RandomColorJitter {
    fn changes(&self, draws: &mut Draws) -> Vec<Adjustment> {
        let mut order = [0, 1, 2, 3];
        (1..4).rev().for_each(|i| order.swap(i, draws.integer(0, i as i64 + 1) as usize));
        let most = [self.brightness, self.contrast, self.saturation, self.hue];
        let wanted = order.into_iter().filter(|&i| most[i] > 0.0);
        wanted
            .map(|i| {
                let f = draws.uniform(-most[i] as f64, most[i] as f64) as f32;
                match i {
                    0 => Adjustment::Brightness(1.0 + f),
                    1 => Adjustment::Contrast(1.0 + f),
                    2 => Adjustment::Saturation(1.0 + f),
                    _ => Adjustment::Hue(f),
                }
            })
            .collect()
    }
}

impl Operator for RandomColorJitter {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        same_picture(io)
    }

    fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
        let changes = self.changes(&mut draws(ctx));
        adjusted(io, changes)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let head = g.head(0)?;
        g.set(0, head);
        Ok(())
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }

    fn is_random(&self) -> bool {
        true
    }

    fn depends_on_mode(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{run, t32};

    #[test]
    fn every_order_occurs_and_absent_changes_do_not() {
        let op = RandomColorJitter { brightness: 0.5, contrast: 0.5, saturation: 0.0, hue: 0.1 };
        let mut first = [0; 3];
        for stream in 0..200 {
            let changes = op.changes(&mut draws(&Ctx { seed: 3, stream, ..Ctx::default() }));
            assert_eq!(changes.len(), 3);
            match changes[0] {
                Adjustment::Brightness(f) if (0.5..=1.5).contains(&f) => first[0] += 1,
                Adjustment::Contrast(f) if (0.5..=1.5).contains(&f) => first[1] += 1,
                Adjustment::Hue(f) if (-0.1..=0.1).contains(&f) => first[2] += 1,
                other => panic!("{other:?}"),
            }
        }
        assert!(first.iter().all(|&count| count > 30), "{first:?}");
    }

    #[test]
    fn without_changes_the_picture_stays() {
        let op = RandomColorJitter { brightness: 0.0, contrast: -1.0, saturation: 0.0, hue: 0.0 };
        assert_eq!(run(&op, &[t32([1, 1, 3], &[5.0, 6.0, 7.0])])[0].to_f64_vec(), [5.0, 6.0, 7.0]);
    }
}
