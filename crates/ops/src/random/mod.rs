//! Random numbers. Each run of an operator has a key of its own: the same seed gives the same numbers, whatever the number
//! of threads.

family! {
    choice { SampleMultinomial, SampleMultinomialBackward, Shuffle }
    density {
        PdfUniform, PdfNormal, PdfGamma, PdfExponential, PdfPoisson, PdfNegativeBinomial, PdfGeneralizedNegativeBinomial,
        PdfDirichlet, PdfBackward, PdfDirichletBackward,
    }
    draw {
        RandomUniform, RandomUniformLike, RandomNormal, RandomNormalLike, RandomGamma, RandomGammaLike, RandomExponential,
        RandomExponentialLike, RandomPoisson, RandomPoissonLike, RandomNegativeBinomial, RandomNegativeBinomialLike,
        RandomGeneralizedNegativeBinomial, RandomGeneralizedNegativeBinomialLike, RandomRandInt,
    }
    sample {
        SampleUniform, SampleNormal, SampleGamma, SampleExponential, SamplePoisson, SampleNegativeBinomial,
        SampleGeneralizedNegativeBinomial,
    }
    zipfian { SampleUniqueZipfian }
}
