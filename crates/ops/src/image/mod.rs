//! Operators of the `image` namespace: pictures with the channels last, as they come out of files.

mod picture;

family! {
    adjust { AdjustLighting, RandomBrightness, RandomContrast, RandomHue, RandomLighting, RandomSaturation }
    color_jitter { RandomColorJitter }
    crop { ImageCrop, ImageCropBackward }
    flip { FlipLeftRight, FlipTopBottom }
    normalize { Normalize }
    random_flip { RandomFlipLeftRight, RandomFlipTopBottom, RandomFlipBackward }
    resize { ImageResize }
    to_tensor { ToTensor, ToTensorBackward }
}
