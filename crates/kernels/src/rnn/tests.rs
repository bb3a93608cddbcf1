use super::*;
use crate::parallel::tests::same_for_threads;
use crate::random::Key;
use crate::real::tests::{assert_close, doubles, noise};
use crate::simd::{available, with_tier};

fn geometry(mode: RnnMode) -> RnnGeometry {
    RnnGeometry {
        mode,
        layers: 2,
        directions: 2,
        steps: 4,
        batch: 3,
        inputs: 5,
        hidden: 6,
        projection: 0,
        dropout: false,
        clip: None,
        lengths: None,
    }
}

/// Every mode and option once, with sizes around those of vectors.
fn geometries() -> Vec<RnnGeometry> {
    use RnnMode::*;
    let mut all: Vec<RnnGeometry> = [Relu, Tanh, Lstm, Gru].map(geometry).into();
    for mode in [Relu, Tanh, Lstm, Gru] {
        let lengths = Some(vec![2, 4, 0]);
        all.push(RnnGeometry { lengths, layers: 3, ..geometry(mode) });
        all.push(RnnGeometry { layers: 1, directions: 1, steps: 1, batch: 1, hidden: 17, ..geometry(mode) });
        all.push(RnnGeometry { layers: 3, directions: 1, dropout: true, hidden: 33, ..geometry(mode) });
    }
    let clip = Some(Clip { low: -0.2, high: 0.15, nan: true });
    for directions in [1, 2] {
        all.push(RnnGeometry { clip, directions, ..geometry(Lstm) });
        all.push(RnnGeometry { projection: 4, directions, lengths: Some(vec![4, 3, 1]), ..geometry(Lstm) });
        all.push(RnnGeometry { projection: 3, directions, layers: 3, dropout: true, ..geometry(Lstm) });
    }
    all
}

/// Inputs, outputs and reserve of one network.
#[derive(Clone, Debug, PartialEq)]
struct Net<C> {
    params: Vec<C>,
    x: Vec<C>,
    hx: Vec<C>,
    cx: Option<Vec<C>>,
    y: Vec<C>,
    hy: Vec<C>,
    cy: Option<Vec<C>>,
    reserve: Vec<C>,
}

const KEY: Key = Key { seed: 3, stream: 4 };

impl<C: Cell> Net<C> {
    fn new(g: &RnnGeometry) -> Net<C> {
        let layers = g.layers * g.directions;
        let cells = (g.mode == RnnMode::Lstm).then_some(layers * g.batch * g.hidden);
        let nan = real::<C>(f64::NAN);
        Net {
            params: noise(g.params(), 1).into_iter().map(|v: C| v * real(0.5)).collect(),
            x: noise(g.area() * g.inputs, 2),
            hx: noise(layers * g.state(), 3),
            cx: cells.map(|len| noise(len, 4)),
            y: vec![nan; g.states()],
            hy: vec![nan; layers * g.state()],
            cy: cells.map(|len| vec![nan; len]),
            reserve: vec![nan; g.reserve()],
        }
    }

    fn run(mut self, g: &RnnGeometry) -> Net<C> {
        let packed = PackedRnn::pack(None, g, &self.params);
        let out =
            Outputs { y: &mut self.y, hy: Some(&mut self.hy), cy: self.cy.as_deref_mut(), reserve: &mut self.reserve };
        let dropout = g.dropout.then_some(Dropout { key: KEY, keep: 0.6 });
        rnn(g, (&packed, &self.params), &self.x, (&self.hx, self.cx.as_deref()), dropout, out);
        self
    }

    /// Gradients of data, parameters, states and cells of the sum of the outputs times those in `heads`.
    fn gradients(&self, g: &RnnGeometry, heads: &Net<C>) -> [Vec<C>; 4] {
        let nan = real::<C>(f64::NAN);
        let mut found =
            [&self.x, &self.params, &self.hx, self.cx.as_ref().unwrap_or(&Vec::new())].map(|v| vec![nan; v.len()]);
        let [x, params, hx, cx] = &mut found;
        let heads = Heads { y: Some(&heads.y), hy: Some(&heads.hy), cy: heads.cy.as_deref() };
        let out = Gradients { x: Some(x), params: Some(params), hx: Some(hx), cx: self.cx.is_some().then_some(cx) };
        rnn_backward(g, &self.params, &self.x, (&self.hx, self.cx.as_deref()), (&self.y, &self.reserve), heads, out);
        found
    }
}

use crate::real::real;

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The network element by element. `mask` multiplies what leaves a layer.
fn twin(g: &RnnGeometry, net: &Net<f64>, mask: impl Fn(usize, usize) -> f64) -> Net<f64> {
    let mut out = net.clone();
    let (h, r, n) = (g.hidden, g.width(), g.batch);
    let mut input = net.x.clone();
    for layer in 0..g.layers {
        let mut states = vec![0.0; g.states()];
        for d in 0..g.directions {
            let (w, ld, size) = (g.weights(layer, d), layer * g.directions + d, g.inputs_of(layer));
            for row in 0..n {
                let mut state = net.hx[(ld * n + row) * r..][..r].to_vec();
                let mut cell = net.cx.as_ref().map_or(vec![], |cx| cx[(ld * n + row) * h..][..h].to_vec());
                for (step, _) in g.order(d) {
                    if !g.valid(step, row) {
                        continue;
                    }
                    let x = &input[(step * n + row) * size..][..size];
                    let dot = |w: &[f64], x: &[f64]| w.iter().zip(x).map(|(a, b)| a * b).sum::<f64>();
                    let a = |k: usize| {
                        dot(&net.params[w.input.clone()][k * size..], x) + net.params[w.input_bias.clone()][k]
                    };
                    let b = |k: usize| {
                        dot(&net.params[w.recurrent.clone()][k * r..], &state) + net.params[w.recurrent_bias.clone()][k]
                    };
                    let mut new = vec![0.0; h];
                    for u in 0..h {
                        let sum = |gate: usize| a(gate * h + u) + b(gate * h + u);
                        new[u] = match g.mode {
                            RnnMode::Relu => sum(0).max(0.0),
                            RnnMode::Tanh => sum(0).tanh(),
                            RnnMode::Lstm => {
                                let c = sigmoid(sum(1)) * cell[u] + sigmoid(sum(0)) * sum(2).tanh();
                                cell[u] = g.clip.map_or(c, |clip| c.clamp(clip.low, clip.high));
                                sigmoid(sum(3)) * cell[u].tanh()
                            }
                            RnnMode::Gru => {
                                let z = sigmoid(sum(1));
                                let fresh = (a(2 * h + u) + sigmoid(sum(0)) * b(2 * h + u)).tanh();
                                (1.0 - z) * fresh + z * state[u]
                            }
                        };
                    }
                    let weight = &net.params[w.projection.clone()];
                    state = if g.projection > 0 { (0..r).map(|k| dot(&weight[k * h..], &new)).collect() } else { new };
                    states[(step * n + row) * g.features() + d * r..][..r].copy_from_slice(&state);
                }
                out.hy[(ld * n + row) * r..][..r].copy_from_slice(&state);
                if let Some(cy) = &mut out.cy {
                    cy[(ld * n + row) * h..][..h].copy_from_slice(&cell);
                }
            }
        }
        if layer + 1 < g.layers {
            states.iter_mut().enumerate().for_each(|(i, v)| *v *= mask(layer, i));
        }
        input = states;
    }
    out.y = input;
    out
}

fn mask_of<'a>(g: &'a RnnGeometry, net: &'a Net<f64>) -> impl Fn(usize, usize) -> f64 + use<'a> {
    move |layer, i| if g.dropout { net.reserve[g.mask_at(layer)][i] } else { 1.0 }
}

fn loss(net: &Net<f64>, heads: &Net<f64>) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let cells = net.cy.as_ref().zip(heads.cy.as_ref()).map_or(0.0, |(a, b)| dot(a, b));
    dot(&net.y, &heads.y) + dot(&net.hy, &heads.hy) + cells
}

fn heads<C: Cell>(g: &RnnGeometry) -> Net<C> {
    let mut net = Net::new(g);
    net.y = noise(net.y.len(), 11);
    net.hy = noise(net.hy.len(), 12);
    net.cy = net.cy.map(|cy| noise(cy.len(), 13));
    net
}

#[test]
fn values_are_those_of_the_formulas() {
    for g in geometries() {
        let net = Net::<f64>::new(&g).run(&g);
        let want = twin(&g, &Net::new(&g), mask_of(&g, &net));
        assert_close(&net.y, &want.y, 1e-12);
        assert_close(&net.hy, &want.hy, 1e-12);
        net.cy.iter().zip(&want.cy).for_each(|(got, want)| assert_close(got, want, 1e-12));
    }
}

#[test]
fn single_precision_agrees_with_double_on_every_tier() {
    for g in geometries() {
        let (want, weights) = (Net::<f64>::new(&g).run(&g), heads::<f64>(&g));
        let gradients = want.gradients(&g, &weights);
        for tier in available() {
            let (net, found) = with_tier(tier, || {
                let net = Net::<f32>::new(&g).run(&g);
                let found = net.gradients(&g, &heads(&g));
                (net, found)
            });
            assert_close(&net.y, &want.y, 1e-5);
            assert_close(&net.hy, &want.hy, 1e-5);
            net.cy.iter().zip(&want.cy).for_each(|(got, want)| assert_close(got, want, 1e-5));
            found.iter().zip(&gradients).for_each(|(got, want)| assert_close(got, want, 1e-4));
        }
    }
}

#[test]
fn gradients_agree_with_differences() {
    const H: f64 = 1e-6;
    for g in geometries() {
        let (net, weights) = (Net::<f64>::new(&g).run(&g), heads::<f64>(&g));
        let found = net.gradients(&g, &weights);
        let fields: [fn(&mut Net<f64>) -> &mut [f64]; 4] =
            [|n| &mut n.x, |n| &mut n.params, |n| &mut n.hx, |n| n.cx.as_deref_mut().unwrap_or_default()];
        for (field, found) in fields.into_iter().zip(&found) {
            for i in (0..found.len()).step_by(found.len() / 40 + 1) {
                let at = |delta: f64| {
                    let mut moved = Net::new(&g);
                    field(&mut moved)[i] += delta;
                    loss(&twin(&g, &moved, mask_of(&g, &net)), &weights)
                };
                let slope = (at(H) - at(-H)) / (2.0 * H);
                assert!((found[i] - slope).abs() < 1e-6 * (1.0 + slope.abs()), "{g:?} {i}: {} and {slope}", found[i]);
            }
        }
    }
}

#[test]
fn numbers_of_threads_do_not_matter() {
    for mode in [RnnMode::Tanh, RnnMode::Lstm, RnnMode::Gru] {
        let g = RnnGeometry { batch: 70, hidden: 64, inputs: 48, dropout: true, ..geometry(mode) };
        same_for_threads(|| {
            let net = Net::<f32>::new(&g).run(&g);
            let found = net.gradients(&g, &heads(&g));
            (net.y, net.hy, found)
        });
    }
}

#[test]
fn nothing_to_compute_hands_the_states_on() {
    for (steps, batch) in [(0, 3), (4, 0)] {
        let g = RnnGeometry { steps, batch, ..geometry(RnnMode::Lstm) };
        let net = Net::<f32>::new(&g).run(&g);
        assert_eq!((&net.hy, &net.cy), (&net.hx, &net.cx));
        let weights = heads(&g);
        let [_, params, hx, cx] = net.gradients(&g, &weights);
        assert!(params.iter().all(|v| *v == 0.0));
        assert_eq!((hx, Some(cx)), (weights.hy, weights.cy));
    }
}

#[test]
fn packing_again_uses_the_new_parameters() {
    let g = geometry(RnnMode::Gru);
    let old = PackedRnn::pack(None, &g, &noise::<f32>(g.params(), 9));
    let mut net = Net::<f32>::new(&g);
    let packed = PackedRnn::pack(Some(old), &g, &net.params);
    let out = Outputs { y: &mut net.y, hy: None, cy: None, reserve: &mut net.reserve };
    rnn(&g, (&packed, &net.params), &net.x, (&net.hx, None), None, out);
    assert_close(&net.y, &doubles(&Net::<f32>::new(&g).run(&g).y), 0.0);
}
