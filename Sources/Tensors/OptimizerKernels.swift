import CKernels

/// AdamW's settings, in PyTorch's words; `step` counts from 1.
package struct AdamWSettings: Sendable {
    package var rate: Double
    package var beta1: Double
    package var beta2: Double
    package var epsilon: Double
    package var decay: Double
    package var step: Int

    package init(rate: Double, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, decay: Double = 0.01, step: Int) {
        (self.rate, self.beta1, self.beta2, self.epsilon, self.decay, self.step) = (rate, beta1, beta2, epsilon, decay, step)
    }
}

extension Kernels {
    /// One step of AdamW in place, for whoever owns the memory alone; what is longer than the shortest of the four stays as it is.
    package static func adamW(
        parameters: UnsafeMutableBufferPointer<Float>, gradient: UnsafeBufferPointer<Float>,
        first: UnsafeMutableBufferPointer<Float>, second: UnsafeMutableBufferPointer<Float>, _ settings: AdamWSettings, threads: Int
    ) {
        let count = min(parameters.count, gradient.count, first.count, second.count)
        guard count > 0, let p = parameters.baseAddress, let g = gradient.baseAddress, let m = first.baseAddress, let v = second.baseAddress
        else { return }
        ck_adamw(
            p, g, m, v, Int64(count), settings.rate, settings.beta1, settings.beta2, settings.epsilon, settings.decay,
            Int64(settings.step), Int32(threads))
    }
}
