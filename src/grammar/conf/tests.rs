//! Tests of nginx.conf.
