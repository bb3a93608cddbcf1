//! `_image_random_brightness`, `_contrast`, `_saturation`, `_hue`, and lighting: colours changed by one number each.

use super::picture::{adjusted, draws, same_picture};
use rsym_graph::*;
use rsym_kernels::picture::Adjustment;
use rsym_kernels::random::Draws;

/// What all changes of colours have in common, given what changes.
macro_rules! adjustment {
    ($op:ident, random: $random:expr, |$this:ident, $draws:ident| $change:expr) => {
        impl $op {
            fn change(&self, $draws: &mut Draws) -> Adjustment {
                let $this = self;
                $change
            }
        }

        impl Operator for $op {
            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                same_picture(io)
            }

            fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
                let change = self.change(&mut draws(ctx));
                adjusted(io, [change])
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
                $random
            }

            fn depends_on_mode(&self) -> bool {
                false
            }
        }
    };
}

/// Declares a change by a factor between `min_factor` and `max_factor`.
macro_rules! random_factor {
    ($(#[doc = $doc:literal])* $op:ident($name:literal, $alias:literal), $kind:ident) => {
        operator! {
            $(#[doc = $doc])*
            ///
            /// Bytes stay between 0 and 255, fractions cut off. The gradient passes unchanged, as in MXNet.
            ///
            /// | | shape | dtype |
            /// |---|---|---|
            /// | data | (height, width, channels), 1 or 3 channels | any |
            /// | output | that of data | that of data |
            #[aliases($alias)]
            #[check($op::check)]
            #[unnamed(true)]
            pub struct $op($name) {
                inputs { data: "The picture." }
                params {
                    /// The smallest factor.
                    #[range(0.0..)]
                    min_factor: f32,
                    /// The largest factor.
                    #[range(0.0..)]
                    max_factor: f32,
                }
            }
        }

        impl $op {
            fn check(&self) -> Result<(), String> {
                if self.min_factor <= self.max_factor {
                    return Ok(());
                }
                Err(format!("min_factor ({}) must not be larger than max_factor ({})", self.min_factor, self.max_factor))
            }
        }

        adjustment!($op, random: true, |this, draws| {
            Adjustment::$kind(draws.uniform(this.min_factor as f64, this.max_factor as f64) as f32)
        });
    };
}

random_factor! {
    /// Changes the brightness at random: `out = f · data` with f uniform between `min_factor` and `max_factor`.
    RandomBrightness("_image_random_brightness", "_npx__image_random_brightness"), Brightness
}

random_factor! {
    /// Changes the contrast at random: `out = f · data + (1 - f) · m` with f uniform between `min_factor` and `max_factor`
    /// and m the mean of `0.299 red + 0.587 green + 0.114 blue` over the picture.
    RandomContrast("_image_random_contrast", "_npx__image_random_contrast"), Contrast
}

random_factor! {
    /// Changes the saturation at random: `out = f · data + (1 - f) · g` with f uniform between `min_factor` and
    /// `max_factor`. Pictures of one channel stay as they are.
    ///
    /// The gray g of a pixel is `0.114 blue`: MXNet forgets red and green here, and rsym gives the same pictures.
    RandomSaturation("_image_random_saturation", "_npx__image_random_saturation"), Saturation
}

random_factor! {
    /// Changes the hue at random: turns it by f full turns, f uniform between `min_factor` and `max_factor`. Pictures of
    /// one channel stay as they are.
    RandomHue("_image_random_hue", "_npx__image_random_hue"), Hue
}

/// Red, green and blue along the principal components of the colours of ImageNet (Krizhevsky et al., 2012), each times
/// its eigenvalue.
const COMPONENTS: [[f32; 3]; 3] = [
    [55.46 * -0.5675, 4.794 * 0.7192, 1.148 * 0.4009],
    [55.46 * -0.5808, 4.794 * -0.0045, 1.148 * -0.8140],
    [55.46 * -0.5836, 4.794 * -0.6948, 1.148 * 0.4203],
];

fn lighting(alpha: [f32; 3]) -> Adjustment {
    Adjustment::Shift(COMPONENTS.map(|row| row.iter().zip(alpha).map(|(e, a)| e * a).sum()))
}

operator! {
    /// Changes the light: adds `Σ alpha[k] · λ_k · v_k` to every pixel, with the eigenvalues λ and eigenvectors v of the
    /// colours of ImageNet (A. Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", 2012).
    ///
    /// Bytes stay between 0 and 255, fractions cut off. Pictures of one channel stay as they are. The gradient passes
    /// unchanged.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (height, width, channels), 1 or 3 channels | any |
    /// | output | that of data | that of data |
    #[aliases("_npx__image_adjust_lighting")]
    #[check(AdjustLighting::check)]
    #[unnamed(true)]
    pub struct AdjustLighting("_image_adjust_lighting") {
        inputs { data: "The picture." }
        params {
            /// Three numbers, one for each component.
            alpha: Tuple<f32>,
        }
    }
}

impl AdjustLighting {
    fn check(&self) -> Result<(), String> {
        match self.alpha.len() {
            3 => Ok(()),
            _ => Err(format!("alpha must have three numbers, got {}", self.alpha.text())),
        }
    }
}

adjustment!(AdjustLighting, random: false, |this, _draws| match this.alpha[..] {
    [first, second, third] => lighting([first, second, third]),
    _ => Adjustment::Shift([0.0; 3]),
});

operator! {
    /// Changes the light at random: adds `Σ α_k · λ_k · v_k` to every pixel, with normal numbers α of deviation `alpha_std`
    /// and the eigenvalues λ and eigenvectors v of the colours of ImageNet (A. Krizhevsky et al., "ImageNet classification
    /// with deep convolutional neural networks", 2012).
    ///
    /// Bytes stay between 0 and 255, fractions cut off. Pictures of one channel stay as they are. The gradient passes
    /// unchanged.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (height, width, channels), 1 or 3 channels | any |
    /// | output | that of data | that of data |
    #[aliases("_npx__image_random_lighting")]
    #[unnamed(true)]
    pub struct RandomLighting("_image_random_lighting") {
        inputs { data: "The picture." }
        params {
            /// Deviation of the random numbers.
            alpha_std: f32 = 0.05,
        }
    }
}

adjustment!(RandomLighting, random: true, |this, draws| {
    lighting([(); 3].map(|()| draws.normal(0.0, this.alpha_std as f64) as f32))
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, backward, infer, run, t32};
    use rsym_tensor::Tensor;

    fn picture() -> Tensor {
        t32([1, 2, 3], &[100.0, 200.0, 3.0, 1.0, 2.0, 3.0])
    }

    #[test]
    fn factors_lie_between_their_bounds() {
        let out = run(&RandomBrightness { min_factor: 0.5, max_factor: 0.75 }, &[picture()]).remove(0).to_f64_vec();
        let factor = out[0] / 100.0;
        assert!((0.5..=0.75).contains(&factor));
        assert_close(&t32([6], &picture().to_f64_vec().iter().map(|v| (v * factor) as f32).collect::<Vec<_>>()), &out);
        assert!(RandomHue::from_texts(&ParamTexts(vec![
            ("min_factor".into(), "2".into()),
            ("max_factor".into(), "1".into())
        ]))
        .is_err());
    }

    // MXNet 1.9.1: adjust_lighting of the same picture.
    #[test]
    fn lighting_of_mxnet() {
        let op = AdjustLighting { alpha: [0.1, 0.2, 0.3].into_iter().collect() };
        let want = [97.68028, 196.49423, -0.7580683, -1.3197162, -1.5057731, -0.7580683];
        assert_close(&run(&op, &[picture()])[0], &want);
        let found = backward(&op, &[picture()], &[Some(picture())]);
        assert_eq!(found[0].as_ref().unwrap().to_f64_vec(), picture().to_f64_vec());
    }

    #[test]
    fn only_single_pictures_are_taken() {
        let op = RandomLighting { alpha_std: 0.1 };
        assert_eq!(infer(&op, &[&[4, 5, 3]], &[]).unwrap()[1], [4, 5, 3]);
        assert!(infer(&op, &[&[2, 4, 5, 3]], &[]).is_err() && infer(&op, &[&[4, 5, 2]], &[]).is_err());
    }
}
