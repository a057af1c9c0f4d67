terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source = "hashicorp/aws"
      # The first one with unhealthy_draining_interval.
      version = ">= 5.62"
    }
  }
}
