import Agent
import Core
import Device
import Linux

/// Whoever asks on this board how the agent is.
extension AgentLoop where Hardware: ~Copyable {
  mutating func answerStatus(_ isReady: Bool, at moment: Moment) {
    guard isReady || status.deadline <= moment.instant else { return }
    Self.answer(&status, agent, loop, at: moment)
  }

  private static func answer(
    _ status: inout StatusDesk, _ agent: borrowing DeviceAgent<FileStorage>,
    _ loop: borrowing EventLoop, at moment: Moment
  ) {
    status.answer(agent, at: moment, loop: loop)
  }
}
