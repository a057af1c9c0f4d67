variable "name" {
  description = "Name of the load balancer and the role, and prefix of each target group's name"
  type        = string

  validation {
    # A target group's name is this, a dash and the port's name: 32 characters at most.
    condition     = can(regex("^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,18}[a-zA-Z0-9])?$", var.name))
    error_message = "Letters, digits and inner dashes, 20 at most."
  }
}

variable "vpc_id" {
  description = "VPC of the pods"
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the load balancer, one per zone; targets in other zones stay unused (Target.NotInUse)"
  type        = list(string)
}

variable "ports" {
  description = "By short name: the port that clients call and pods listen on, and its health check"
  type = map(object({
    port = number
    # TCP, HTTP or HTTPS.
    health_check_protocol = optional(string, "TCP")
    health_check_port     = optional(string, "traffic-port")
    health_check_path     = optional(string)
  }))

  validation {
    condition     = alltrue([for name in keys(var.ports) : can(regex("^[a-zA-Z0-9]{1,11}$", name))])
    error_message = "Each name: letters and digits, 11 at most."
  }
}

variable "client_cidrs" {
  description = "Address ranges that may call the load balancer, PrivateLink aside"
  type        = list(string)
  default     = []
}

variable "deregistration_delay" {
  description = "Seconds that a deregistered target stays \"draining\"; the sidecar reads it"
  type        = number
  default     = 240
}

variable "privatelink_principals" {
  description = "ARNs that may connect through PrivateLink; empty: no endpoint service"
  type        = list(string)
  default     = []
}

variable "service_account" {
  description = "The pods' service account"
  type = object({
    namespace = string
    name      = string
  })
}

variable "oidc_provider_arn" {
  description = "For IRSA: the cluster's IAM OIDC provider; null: no IRSA"
  type        = string
  default     = null
}

variable "pod_identity_cluster" {
  description = "For EKS Pod Identity: the cluster's name; null: no Pod Identity"
  type        = string
  default     = null
}
