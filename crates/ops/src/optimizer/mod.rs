//! Updates of weights by optimizers, and what mixed precision needs.

mod update;

family! {
    adam { AdamUpdate }
    adamw { AdamWUpdate, MpAdamWUpdate, MultiAdamWUpdate, MultiMpAdamWUpdate }
    amp { AmpCast, AmpMulticast }
    composed { AdaDeltaUpdate, AdaGradUpdate, AdamaxUpdate, DcasgdMomUpdate, DcasgdUpdate, NadamUpdate }
    finite { AllFinite, MultiAllFinite }
    ftml { FtmlUpdate }
    ftrl { FtrlUpdate }
    group_adagrad { GroupAdagradUpdate }
    lamb { LambUpdatePhase1, LambUpdatePhase2, MpLambUpdatePhase1, MpLambUpdatePhase2 }
    multi_lamb { MultiLambUpdate, MultiMpLambUpdate }
    multi_lars { MultiLars }
    multi_sgd {
        MultiSgdUpdate, MultiMpSgdUpdate, MultiSgdMomUpdate, MultiMpSgdMomUpdate,
        PreloadedMultiSgdUpdate, PreloadedMultiMpSgdUpdate, PreloadedMultiSgdMomUpdate, PreloadedMultiMpSgdMomUpdate,
    }
    multi_sum_sq { MultiSumSq }
    nag { NagMomUpdate, MpNagMomUpdate }
    reset_arrays { ResetArrays }
    rmsprop { RmsPropUpdate, RmsPropAlexUpdate }
    sgd { SgdUpdate, MpSgdUpdate, SgdMomUpdate, MpSgdMomUpdate }
    sign { SignSgdUpdate, SignumUpdate }
}
