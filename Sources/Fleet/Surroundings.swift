import Core
import Linux

/// What the devices of a fleet share: the loop, the way to the brokers, and who counts.
final class Surroundings {
  var loop: EventLoop
  /// Of each of the profile's brokers, in their order.
  let addresses: [SocketAddress]
  let meter = FleetMeter()

  init(loop: consuming EventLoop, addresses: [SocketAddress]) {
    self.loop = loop
    self.addresses = addresses
  }
}
