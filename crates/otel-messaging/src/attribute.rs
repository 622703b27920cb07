//! Attribute keys of the messaging conventions.

pub(crate) const BATCH_MESSAGE_COUNT: &str = "messaging.batch.message_count";
pub(crate) const CLIENT_ID: &str = "messaging.client.id";
pub(crate) const CONSUMER_GROUP_NAME: &str = "messaging.consumer.group.name";
pub(crate) const CONVERSATION_ID: &str = "messaging.message.conversation_id";
pub(crate) const DESTINATION_ANONYMOUS: &str = "messaging.destination.anonymous";
pub(crate) const DESTINATION_NAME: &str = "messaging.destination.name";
pub(crate) const DESTINATION_PARTITION_ID: &str = "messaging.destination.partition.id";
pub(crate) const DESTINATION_TEMPLATE: &str = "messaging.destination.template";
pub(crate) const DESTINATION_TEMPORARY: &str = "messaging.destination.temporary";
pub(crate) const MESSAGE_ID: &str = "messaging.message.id";
pub(crate) const OPERATION_NAME: &str = "messaging.operation.name";
pub(crate) const OPERATION_TYPE: &str = "messaging.operation.type";
pub(crate) const SERVER_ADDRESS: &str = "server.address";
pub(crate) const SERVER_PORT: &str = "server.port";
pub(crate) const SYSTEM: &str = "messaging.system.name";
